//! A model's own chat template: from messages to the one text that the model was trained on. It has no clock,
//! so a prompt says the same tomorrow; templates that would name the date fall back to the one they carry.

use crate::world::Trouble;
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, ErrorKind, Value, context};

/// A part of a conversation. The role is `system`, `user` or `assistant`.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    pub role: &'a str,
    pub text: &'a str,
}

pub(super) struct Template {
    environment: Environment<'static>,
    bos: String,
    eos: String,
}

const NAME: &str = "chat template";

impl Template {
    pub fn new(source: &str, bos: &str, eos: &str) -> Result<Template, Trouble> {
        let mut environment = Environment::new();
        // As the library for which such templates are written sets them.
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax.map_err(|error| Trouble(error.to_string()))?);
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("raise_exception", |said: String| -> Result<Value, minijinja::Error> {
            Err(minijinja::Error::new(ErrorKind::InvalidOperation, said))
        });
        environment
            .add_template_owned(NAME, source.to_string())
            .map_err(|error| Trouble(format!("its chat template cannot be read: {error}")))?;
        Ok(Template { environment, bos: bos.into(), eos: eos.into() })
    }

    /// The conversation up to where the assistant's answer begins.
    pub fn render(&self, messages: &[Message<'_>]) -> Result<String, Trouble> {
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
                Trouble(format!("the model's chat template refuses these messages: {said}{advice}"))
            })?;
        match system {
            Some(system) if !text.contains(system.text.trim()) => Err(Trouble::new(
                "the model's chat template leaves the system message out; put those words in the user's message",
            )),
            _ => Ok(text),
        }
    }
}
