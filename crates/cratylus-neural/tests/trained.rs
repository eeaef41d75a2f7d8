//! What is trained here beside another library: gradients by its automatic differentiation, and files that it reads back.

use candle_core::{D, Device, Tensor, Var};
use cratylus_core::experiment::Document;
use cratylus_core::spec::NoInputs;
use cratylus_core::{Purpose, Seed};
use cratylus_neural::corpus::{Corpus, Words};
use cratylus_neural::llm::LocalModel;
use cratylus_neural::net::{Lane, NetShape, NetWork, one_by_one, plain};
use cratylus_neural::training::{OwnWords, TrainingSpec, config, lanes, safetensors};
use std::collections::HashMap;
use std::path::Path;

type Answer<T> = Result<T, candle_core::Error>;

/// The loss of a row, of all its tokens, built of the library's tensors.
fn loss(shape: &NetShape, vars: &HashMap<String, Var>, row: &[u32]) -> Answer<Tensor> {
    let (n, d, heads, head) = (shape.context, shape.width, shape.heads, shape.head());
    let of = |name: &str| vars[name].as_tensor();
    let norm = |x: &Tensor, g: &Tensor| -> Answer<Tensor> {
        let root = (x.sqr()?.mean_keepdim(D::Minus1)? + shape.norm_eps)?.sqrt()?;
        x.broadcast_div(&root)?.broadcast_mul(g)
    };
    let linear = |x: &Tensor, w: &Tensor| x.matmul(&w.t()?);
    let angle = |t: usize, i: usize| t as f64 / shape.rotary_base.powf(2.0 * i as f64 / head as f64);
    let table = |of: fn(f64) -> f64| {
        let all: Vec<f64> = (0..n).flat_map(|t| (0..head / 2).map(move |i| of(angle(t, i)))).collect();
        Tensor::from_vec(all, (n, 1, head / 2), &Device::Cpu)
    };
    let (cos, sin) = (table(f64::cos)?, table(f64::sin)?);
    let turn = |x: Tensor| -> Answer<Tensor> {
        let x = x.reshape((n, heads, head))?;
        let (a, b) = (x.narrow(2, 0, head / 2)?, x.narrow(2, head / 2, head / 2)?);
        let first = (a.broadcast_mul(&cos)? - b.broadcast_mul(&sin)?)?;
        let second = (b.broadcast_mul(&cos)? + a.broadcast_mul(&sin)?)?;
        Tensor::cat(&[first, second], 2)?.transpose(0, 1)?.contiguous()
    };
    let hidden: Vec<f64> = (0..n * n).map(|i| if i % n > i / n { -1e30 } else { 0.0 }).collect();
    let mask = Tensor::from_vec(hidden, (1, n, n), &Device::Cpu)?;
    let mut x = of("model.embed_tokens.weight").index_select(&Tensor::new(&row[..n], &Device::Cpu)?, 0)?;
    for layer in 0..shape.layers {
        let of = |part: &str| of(&format!("model.layers.{layer}.{part}.weight"));
        let h = norm(&x, of("input_layernorm"))?;
        let (q, k) = (turn(linear(&h, of("self_attn.q_proj"))?)?, turn(linear(&h, of("self_attn.k_proj"))?)?);
        let v = linear(&h, of("self_attn.v_proj"))?.reshape((n, heads, head))?.transpose(0, 1)?.contiguous()?;
        let scores = (q.matmul(&k.transpose(1, 2)?.contiguous()?)? / (head as f64).sqrt())?.broadcast_add(&mask)?;
        let mixed = candle_nn::ops::softmax(&scores, D::Minus1)?.matmul(&v)?;
        let mixed = mixed.transpose(0, 1)?.reshape((n, d))?;
        x = (x + linear(&mixed, of("self_attn.o_proj"))?)?;
        let h = norm(&x, of("post_attention_layernorm"))?;
        let gated = (linear(&h, of("mlp.gate_proj"))?.silu()? * linear(&h, of("mlp.up_proj"))?)?;
        x = (x + linear(&gated, of("mlp.down_proj"))?)?;
    }
    let logits = linear(&norm(&x, of("model.norm.weight"))?, of("model.embed_tokens.weight"))?;
    let targets = Tensor::new(&row[1..], &Device::Cpu)?.unsqueeze(1)?;
    candle_nn::ops::log_softmax(&logits, D::Minus1)?.gather(&targets, 1)?.neg()?.sum_all()
}

#[test]
fn gradients_are_those_of_automatic_differentiation() {
    let shape = NetShape {
        vocabulary: 64,
        width: 64,
        layers: 2,
        heads: 4,
        key_heads: 4,
        hidden: 176,
        context: 24,
        tied: true,
        rotary_base: 10_000.0,
        norm_eps: 1e-5,
    };
    let weights = shape.begin(0.2, Seed(3));
    let mut stream = Seed(1).stream(Purpose::Row, 0);
    let row: Vec<u32> = (0..=shape.context).map(|_| stream.below(64) as u32).collect();
    let double: Vec<f64> = weights.iter().copied().map(f64::from).collect();
    let vars: HashMap<String, Var> = shape
        .tensors()
        .into_iter()
        .map(|tensor| {
            let values = Tensor::from_vec(double[tensor.at].to_vec(), tensor.shape, &Device::Cpu).unwrap();
            (tensor.name, Var::from_tensor(&values).unwrap())
        })
        .collect();
    let theirs = loss(&shape, &vars, &row).unwrap();
    let gradients = theirs.backward().unwrap();
    let targets: Vec<Option<u32>> = row[1..].iter().copied().map(Some).collect();
    let mut ours = vec![0.0; weights.len()];
    let loss = plain::learn(&shape, &double, &row[..shape.context], &targets, &mut ours);
    assert!((loss / theirs.to_scalar::<f64>().unwrap() - 1.0).abs() < 1e-12);
    let mut lane = Lane::default();
    lane.push(&row, shape.context);
    let mut fast = vec![0.0; weights.len()];
    NetWork::new(shape).learn(&weights, &lane, 1.0, &mut fast);
    for tensor in shape.tensors() {
        let theirs = gradients.get(vars[&tensor.name].as_tensor()).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
        let apart = |ours: &dyn Fn(usize) -> f64| {
            let (mut wrong, mut all) = (0.0, 0.0);
            for (i, theirs) in theirs.iter().enumerate() {
                wrong += (ours(tensor.at.start + i) - theirs).powi(2);
                all += theirs.powi(2);
            }
            (wrong / all).sqrt()
        };
        assert!(apart(&|i| ours[i]) < 1e-10, "{}", tensor.name);
        assert!(apart(&|i| f64::from(fast[i])) < 1e-4, "{}", tensor.name);
    }
}

#[test]
fn a_model_is_read_back_with_its_own_logits() {
    let text = "name = \"m\"\nseed = 2\n[corpus]\nrows = 400\ncontext = 32\n[[ingredients]]\nkind = \"rounds\"\ndose = 1.0\n\
                [net]\nwidth = 32\nlayers = 2\nheads = 2\nhidden = 48\n[train]\nsteps = 30\nrows = 16\nrate = 0.01\n";
    let sets = [];
    for tied in [true, false] {
        let spec = Document::parse("t.toml", &text.replace("heads = 2", &format!("heads = 2\ntied = {tied}")), &sets)
            .and_then(|document| document.read(TrainingSpec::read))
            .unwrap();
        let corpus = Corpus::open(spec.corpus.clone(), &NoInputs).unwrap();
        let mut trainer = spec.begin(&corpus, None, 1);
        while trainer.step() < 30 {
            let lanes = lanes(&corpus, &OwnWords, &trainer);
            trainer.learn(&lanes, &one_by_one);
        }
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("trained-{tied}"));
        std::fs::create_dir_all(&dir).unwrap();
        let json = |name: &str, value: serde_json::Value| std::fs::write(dir.join(name), value.to_string()).unwrap();
        json("config.json", config(&trainer.shape));
        json("tokenizer.json", corpus.words.tokenizer());
        json("tokenizer_config.json", corpus.words.tokenizer_config());
        std::fs::write(dir.join("model.safetensors"), safetensors(&trainer.shape, trainer.weights())).unwrap();
        let model = LocalModel::open(&dir).unwrap();
        // Words are cut as they were written.
        let row = corpus.row(0).written.words;
        let tokens = corpus.words.tokens(&row);
        assert_eq!(model.text_tokens(&row[1..].join(" ")).unwrap(), tokens);
        for n in [1, 9, 32] {
            let theirs = &model.next(&[tokens[..n].to_vec()]).unwrap()[0];
            let mut padded = tokens[..n].to_vec();
            padded.resize(32, 0);
            let mut work = NetWork::new(trainer.shape);
            let ours = &work.logits(trainer.weights(), &padded)[(n - 1) * corpus.words.len()..][..corpus.words.len()];
            let sum = ours.iter().map(|&logit| f64::from(logit).exp()).sum::<f64>().ln();
            for (ours, theirs) in ours.iter().zip(theirs) {
                assert!((f64::from(*ours) - sum - f64::from(*theirs)).abs() < 1e-4, "{ours} {theirs}");
            }
        }
    }
}

#[test]
fn a_tokenizer_by_bytes_is_read_by_the_library_of_others_as_here() {
    let words = Words::of_bytes();
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("trained-bytes");
    std::fs::create_dir_all(&dir).unwrap();
    let shape = NetShape { vocabulary: words.len(), ..small_shape() };
    let weights = shape.begin(0.05, Seed(3));
    let json = |name: &str, value: serde_json::Value| std::fs::write(dir.join(name), value.to_string()).unwrap();
    json("config.json", config(&shape));
    json("tokenizer.json", words.tokenizer());
    json("tokenizer_config.json", words.tokenizer_config());
    std::fs::write(dir.join("model.safetensors"), safetensors(&shape, &weights)).unwrap();
    let model = LocalModel::open(&dir).unwrap();
    let all: String = (0..0x250).chain([0x65E5, 0x1F600]).filter_map(char::from_u32).collect();
    for text in ["the cat", "  two  blanks\n\tand lines\r\n", "naïve 日本語 \u{1F600}", &all] {
        let tokens: Vec<u32> = std::iter::once(words.token("<bos>")).chain(words.spell(text)).collect();
        assert_eq!(model.text_tokens(text).unwrap(), tokens, "{text}");
        let bytes: Vec<u8> = tokens[1..].iter().flat_map(|token| model.token_bytes(*token).to_vec()).collect();
        assert_eq!(bytes, text.as_bytes());
        assert_eq!(tokens[1..].iter().flat_map(|&token| words.adds(token)).collect::<Vec<u8>>(), text.as_bytes());
    }
    // Every byte has a token of its own.
    assert_eq!(
        (0..=255u8).map(|byte| words.adds(3 + u32::from(byte))).collect::<Vec<_>>().concat(),
        (0..=255).collect::<Vec<u8>>()
    );
    let again = Words::of_tokenizer(&words.tokenizer()).unwrap();
    assert!(again.are_bytes() && again.all() == words.all());
    let mut other = words.tokenizer();
    other["model"]["merges"] = serde_json::json!([["a", "b"]]);
    assert!(Words::of_tokenizer(&other).unwrap_err().contains("no tokenizer by bytes"));
}

fn small_shape() -> NetShape {
    NetShape {
        vocabulary: 64,
        width: 16,
        layers: 1,
        heads: 2,
        key_heads: 2,
        hidden: 24,
        context: 16,
        tied: true,
        rotary_base: 10_000.0,
        norm_eps: 1e-5,
    }
}
