mod support;
#[test] fn it() { let s = support::Server::of(support::Dialect::LlamaServer); println!("{}", s.url()); }
