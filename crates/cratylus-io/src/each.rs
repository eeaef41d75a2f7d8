//! Independent jobs on threads. What the answers are, and their order, does not depend on how many threads there are.

/// Does `work` for each job on as many threads; the answers stand in the order of the jobs.
pub fn each<J: Send, A: Send>(threads: usize, jobs: Vec<J>, work: impl Fn(J) -> A + Sync) -> Vec<A> {
    let mut answers: Vec<Option<A>> = jobs.iter().map(|_| None).collect();
    let waiting: Vec<(J, &mut Option<A>)> = jobs.into_iter().zip(&mut answers).collect();
    let waiting = std::sync::Mutex::new(waiting);
    let go = || {
        loop {
            let next = waiting.lock().expect("no panic while holding the list").pop();
            let Some((job, answer)) = next else { return };
            *answer = Some(work(job));
        }
    };
    std::thread::scope(|scope| {
        (1..threads).for_each(|_| drop(scope.spawn(go)));
        go();
    });
    answers.into_iter().map(|answer| answer.expect("every job was done")).collect()
}
