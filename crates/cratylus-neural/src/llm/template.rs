//! A model's own chat template: from messages to the one text that the model was trained on. It has no clock,
//! so a prompt says the same tomorrow; templates that would name the date fall back to the one they carry.

use cratylus_core::fault::Fault;
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, ErrorKind, Value, context};

/// A part of a conversation. The role is `system`, `user` or `assistant`.
#[derive(Clone, Copy, Debug)]
pub struct ChatMessage<'a> {
    /// Who speaks.
    pub role: &'a str,
    /// What is said.
    pub text: &'a str,
}

pub(super) struct Template {
    environment: Environment<'static>,
    bos: String,
    eos: String,
}

const NAME: &str = "chat template";

impl Template {
    pub fn new(source: &str, bos: &str, eos: &str) -> Result<Template, Fault> {
        let mut environment = Environment::new();
        // As the library for which such templates are written sets them.
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax.map_err(|error| Fault(error.to_string()))?);
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("raise_exception", |said: String| -> Result<Value, minijinja::Error> {
            Err(minijinja::Error::new(ErrorKind::InvalidOperation, said))
        });
        environment
            .add_template_owned(NAME, source.to_string())
            .map_err(|error| Fault(format!("its chat template cannot be read: {error}")))?;
        Ok(Template { environment, bos: bos.into(), eos: eos.into() })
    }

    /// The conversation up to where the assistant's answer begins.
    pub fn render(&self, messages: &[ChatMessage<'_>]) -> Result<String, Fault> {
        let template = self.environment.get_template(NAME).expect("it was added when this was made");
        let system = messages.iter().find(|message| message.role == "system");
        let advice = if system.is_some() { "; if it knows no system role, put those words in the user's message" } else { "" };
        let text = template
            .render(context! {
                messages => messages.iter().map(|message| context! { role => message.role, content => message.text }).collect::<Vec<Value>>(),
                bos_token => self.bos.as_str(),
                eos_token => self.eos.as_str(),
                add_generation_prompt => true,
                tools => (),
                documents => (),
            })
            .map_err(|error| {
                let said = error.detail().map_or_else(|| error.to_string(), str::to_string);
                Fault(format!("the model's chat template refuses these messages: {said}{advice}"))
            })?;
        match system {
            Some(system) if !text.contains(system.text.trim()) => {
                Err(Fault::new("the model's chat template leaves the system message out; put those words in the user's message"))
            }
            _ => Ok(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_published_templates_use_is_understood() {
        let source = r#"{{- bos_token }}
{%- if strftime_now is defined %}{% set date = strftime_now("%d %b %Y") %}{% else %}{% set date = "26 Jul 2024" %}{% endif %}
{%- if not tools is defined %}{% set tools = none %}{% endif %}
{%- set ns = namespace(last=-1) %}
{%- for message in messages[::-1] %}
    {%- if ns.last < 0 and message.role == "user" and message.content is string and not message.content.startswith('<tool') %}
        {%- set ns.last = (messages|length - 1) - loop.index0 %}
    {%- endif %}
{%- endfor %}
{%- if messages[0]['role'] == 'system' %}
    {%- set system = messages[0]['content'] | trim %}
    {%- set messages = messages[1:] %}
{%- endif %}
{{- 'system: ' + system + ' (' + date + ')\n' }}
{%- if tools is not none %}{{ raise_exception('tools') }}{% endif %}
{%- for message in messages %}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
        {{- raise_exception('roles must alternate') }}
    {%- endif %}
    {%- set content = message.content %}
    {%- if '</think>' in content %}
        {%- set content = content.split('</think>')[-1].lstrip('\n') %}
    {%- endif %}
    {{- message.role | upper ~ ': ' ~ content ~ (eos_token if not loop.last else '') + '\n' }}
{%- endfor %}
{%- if add_generation_prompt and (enable_thinking is not defined or enable_thinking is true) %}
    {{- 'ASSISTANT:' }}{{ ns.last }}
{%- endif %}
"#;
        let template = Template::new(source, "<s>", "</s>").unwrap();
        let said = |role, text| ChatMessage { role, text };
        let talk = [
            said("system", " Be brief. "),
            said("user", "Hi"),
            said("assistant", "<think>\nhm</think>\n\nHello"),
            said("user", "Bye"),
        ];
        assert_eq!(
            template.render(&talk).unwrap(),
            "<s>system: Be brief. (26 Jul 2024)\nUSER: Hi</s>\nASSISTANT: Hello</s>\nUSER: Bye\nASSISTANT:3"
        );
        let refused = template.render(&[talk[0], talk[2]]).unwrap_err().to_string();
        assert!(refused.contains("refuses these messages: roles must alternate"), "{refused}");
    }
}
