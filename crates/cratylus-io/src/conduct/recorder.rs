//! Events as they come into the tables of a part.

use crate::conduct::job::{Job, Unit};
use crate::conduct::progress::Progress;
use crate::store::acts::{self, Act};
use crate::store::names::{ACTS, FEATURES, INTERACTIONS, MEASURES, RUNS, SIGNS};
use crate::store::pages::GROUP;
use crate::store::rows::{Interactions, MeasureRows, WordColumns, runs_table};
use crate::store::signs::{FeatureRow, SignRow, features_of, features_table, signs_of, signs_table};
use crate::store::table;
use crate::store::table::{Table, TableWriter};
use cratylus_core::event::batch::Batch;
use cratylus_core::event::block::Block;
use cratylus_core::event::sink::Sink;
use cratylus_core::event::tally::Tally;
use cratylus_core::experiment::Point;
use cratylus_core::fault::Fault;
use cratylus_core::kept::{self, Keep, Keeper};
use cratylus_core::summary::RunRow;
use cratylus_core::symbols::SignsFollowed;
use cratylus_core::watch::measures::Measures;
use cratylus_core::watch::outcome::OutcomeSeen;
use cratylus_core::{Name, World};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

/// Reads a unit's events: writes them in the order of the runs, and keeps outcomes and readings.
pub(crate) struct Recorder<'a> {
    base: u64,
    world: &'a World,
    words: WordColumns,
    unit: Unit,
    interactions: Option<(TableWriter, Interactions)>,
    acts: Option<(TableWriter, Vec<Act>)>,
    signs: Option<SignTables>,
    measures: (TableWriter, MeasureRows),
    /// The runs that are not written yet, in order. The first writes as it goes, the others wait for it.
    open: VecDeque<OpenRun>,
    rows: Vec<RunRow>,
    runs_file: PathBuf,
    progress: &'a Progress,
    /// Whether it says when to stop, and not who plays the run, who would keep it first.
    stops: bool,
}

/// What agents perceive, and which signs they have at the end.
struct SignTables {
    signs: (TableWriter, Vec<SignRow>),
    features: (TableWriter, Vec<FeatureRow>),
}

struct OpenRun {
    replica: u64,
    /// Where agents are language models, which kind each agent is.
    kinds: Option<Vec<u16>>,
    /// Interactions that wait for those of runs before.
    waiting: Interactions,
    /// And all that was done in them.
    acts: Vec<Act>,
    /// Which sign everyone has, where that is kept.
    followed: Option<SignsFollowed>,
    measures: Measures,
    outcome: OutcomeSeen,
    over: bool,
}

/// Writes whole groups of rows, or all of them where their cell ends, and forgets them.
fn write_groups<T>(writer: &mut TableWriter, rows: &mut Vec<T>, all: bool, table: fn(&[T]) -> Table) -> Result<(), Fault> {
    let end = if all { rows.len() } else { rows.len() / GROUP * GROUP };
    rows[..end].chunks(GROUP).try_for_each(|group| writer.write(&table(group)))?;
    rows.drain(..end);
    Ok(())
}

impl<'a> Recorder<'a> {
    pub fn new(job: &Job<'a>, unit: Unit, dir: &Path, progress: &'a Progress) -> Result<Recorder<'a>, Fault> {
        Recorder::begin(job, unit, dir, progress, None)
    }

    /// Makes sure that all that was written is on the disk, and appends what else is needed to go on with a unit of one run.
    pub fn keep(&mut self, out: &mut Keeper<'_>) -> Result<(), Fault> {
        let [run] = self.open.make_contiguous() else { unreachable!("runs are kept one by one, and before they are over") };
        if let Some((writer, rows)) = &mut self.interactions {
            writer.keep(out)?;
            rows.keep(out);
        }
        if let Some((writer, rows)) = &mut self.acts {
            writer.keep(out)?;
            rows.keep(out);
        }
        if let Some(SignTables { signs, features }) = &mut self.signs {
            signs.0.keep(out)?;
            features.0.keep(out)?;
            kept::keep(&(&signs.1, &features.1, &run.followed), out);
        }
        self.measures.0.keep(out)?;
        self.measures.1.keep(out);
        run.measures.keep(out);
        run.outcome.keep(out);
        Ok(())
    }

    /// A unit of one run as it was when it was kept.
    pub fn restore(
        job: &Job<'a>,
        unit: Unit,
        dir: &Path,
        progress: &'a Progress,
        from: &mut &[u8],
    ) -> Result<Recorder<'a>, Fault> {
        Recorder::begin(job, unit, dir, progress, Some(from))
    }

    fn begin(
        job: &Job<'a>,
        unit: Unit,
        dir: &Path,
        progress: &'a Progress,
        mut kept: Option<&mut &[u8]>,
    ) -> Result<Recorder<'a>, Fault> {
        let (world, replicas) = (&job.worlds[unit.point], unit.replicas(job));
        let words = WordColumns::new(world.experiment.names());
        // All points of an experiment have the columns that any of them needs.
        let any = |of: fn(&World) -> bool| job.worlds.iter().any(of);
        let (live, alias, groups) = (any(World::live), any(|world| world.experiment.control.alias), any(World::in_groups));
        let objects = world.experiment.game.spec.symbols().map(|(_, world)| world.objects());
        // Other games of a sweep have the column, too.
        let objects = objects.or(any(|world| world.experiment.sweep().is_some()).then_some(1));
        let rows = || {
            let mut rows = Interactions::new(&words);
            if live {
                rows = rows.of_models(alias);
            }
            let rows = if groups { rows.of_groups() } else { rows };
            match objects {
                Some(objects) => rows.of_objects(objects),
                None => rows,
            }
        };
        let writer = |table: &str, kept: &mut Option<&mut &[u8]>, create: &dyn Fn(&Path) -> Result<TableWriter, Fault>| {
            let file = unit.file(dir, table);
            match kept {
                Some(from) => TableWriter::restore(&file, from),
                None => create(&file),
            }
        };
        let interactions = match world.experiment.record.interactions {
            true => {
                let mut of = (writer(INTERACTIONS, &mut kept, &|file| rows().create(file))?, rows());
                kept.as_deref_mut().map_or(Ok(()), |from| of.1.restore(from))?;
                Some(of)
            }
            false => None,
        };
        let acts = match world.keeps_acts() {
            true => {
                let mut of = (writer(ACTS, &mut kept, &|file| TableWriter::create(file, &acts::table(&[])))?, Vec::new());
                kept.as_deref_mut().map_or(Ok(()), |from| of.1.restore(from))?;
                Some(of)
            }
            false => None,
        };
        let mut restored = None;
        let signs = match world.keeps_signs() {
            true => {
                let signs = writer(SIGNS, &mut kept, &|file| TableWriter::create(file, &signs_table(&[])))?;
                let features = writer(FEATURES, &mut kept, &|file| TableWriter::create(file, &features_table(&[])))?;
                let mut of = SignTables { signs: (signs, Vec::new()), features: (features, Vec::new()) };
                if let Some(from) = kept.as_deref_mut() {
                    (of.signs.1, of.features.1, restored) = kept::take(from)?;
                }
                Some(of)
            }
            false => None,
        };
        let mut of = MeasureRows::new(job.reads());
        let file = writer(MEASURES, &mut kept, &|file| of.create(file))?;
        kept.as_deref_mut().map_or(Ok(()), |from| of.restore(from))?;
        let measures = (file, of);
        let mut open = VecDeque::new();
        for &replica in &replicas {
            let context = world.context(replica);
            let (mut measures, mut outcome) =
                (Measures::new(&context, &world.experiment.registry.measures), OutcomeSeen::new(&context));
            if let Some(from) = kept.as_deref_mut() {
                measures.restore(from)?;
                outcome.restore(from)?;
            }
            let kinds = world.live().then(|| world.assign(world.seed(replica)));
            let (waiting, acts) = (rows(), Vec::new());
            let followed = context.symbols.as_ref().filter(|_| signs.is_some()).map(SignsFollowed::new);
            let followed = restored.take().or(followed);
            open.push_back(OpenRun { replica, kinds, waiting, acts, followed, measures, outcome, over: false });
        }
        Ok(Recorder {
            base: unit.base(job),
            words,
            interactions,
            acts,
            signs,
            measures,
            open,
            rows: Vec::new(),
            runs_file: unit.file(dir, RUNS),
            progress,
            stops: unit.runs() > 1 || !world.can_be_kept(),
            unit,
            world,
        })
    }

    /// Writes what the first open run has so far, and closes those that are over.
    fn advance(&mut self) -> Result<(), Fault> {
        while let Some(first) = self.open.front_mut() {
            let number = self.base + first.replica;
            let ended = first.over && self.unit.ends(number);
            if let Some((writer, rows)) = &mut self.interactions {
                if !first.waiting.is_empty() {
                    rows.append(&mut first.waiting);
                }
                rows.write(writer, &self.words, ended)?;
            }
            if let Some((writer, rows)) = &mut self.acts {
                rows.append(&mut first.acts);
                write_groups(writer, rows, ended, acts::table)?;
            }
            if let (Some(SignTables { signs, features }), Some(followed), true) = (&mut self.signs, &first.followed, first.over) {
                let of = self.world.symbols(self.world.seed(first.replica)).expect("its signs are followed");
                signs_of(number, &of, followed, &mut signs.1);
                features_of(number, &of, &mut features.1);
                write_groups(&mut signs.0, &mut signs.1, ended, signs_table)?;
                write_groups(&mut features.0, &mut features.1, ended, features_table)?;
            }
            // Rounds of a small population are many, and are taken many at a time; those of a large one are waited for.
            const FEW: usize = 64;
            const SMALL: u64 = 4096;
            let size = self.world.experiment.size();
            if first.over || size > SMALL || first.measures.readings.len() >= FEW {
                if let Some(point) = self.progress.points().get(self.unit.point) {
                    point.see(size, &first.measures.readings);
                }
                let (writer, rows) = &mut self.measures;
                rows.take(number, &mut first.measures.readings)?;
                rows.write(writer, ended)?;
            }
            if !first.over {
                return Ok(());
            }
            let done = self.open.pop_front().expect("there is a first");
            let outcome = done.outcome.end();
            if let Some(point) = self.progress.points().get(self.unit.point) {
                point.runs.fetch_add(1, Ordering::Relaxed);
                point.reached.fetch_add(u64::from(outcome.consensus), Ordering::Relaxed);
                point.void.fetch_add((outcome.void_share * outcome.interactions as f64).round() as u64, Ordering::Relaxed);
            }
            let context = self.world.context(done.replica);
            self.rows.push(RunRow {
                run: number,
                replica: done.replica,
                seed: Some(self.world.seed(done.replica).0),
                winner: outcome.winner.map(|name| context.word(name)),
                outcome,
                committed: context.committed.map_or(Vec::new(), |(_, agents)| agents),
            });
        }
        Ok(())
    }

    /// Counts what was played, unless it is to be stopped.
    fn played(&self, interactions: u64) -> Result<(), Fault> {
        if self.stops && self.progress.stop.load(Ordering::Relaxed) {
            return Err(Fault("interrupted".into()));
        }
        self.progress.interactions.fetch_add(interactions, Ordering::Relaxed);
        if let Some(point) = self.progress.points().get(self.unit.point) {
            point.interactions.fetch_add(interactions, Ordering::Relaxed);
        }
        Ok(())
    }

    fn find(&mut self, replica: u64) -> &mut OpenRun {
        self.open.iter_mut().find(|run| run.replica == replica).expect("events come only from runs that are not over")
    }

    /// Where the interactions of a run go: to the file, or to wait for those of runs before.
    fn rows_of(&mut self, replica: u64) -> &mut Interactions {
        if self.open.front().is_some_and(|first| first.replica == replica && first.waiting.is_empty()) {
            return &mut self.interactions.as_mut().expect("they are kept").1;
        }
        &mut self.find(replica).waiting
    }

    pub fn finish(mut self, points: &[Point]) -> Result<(), Fault> {
        if let Some((writer, _)) = self.interactions.take() {
            writer.finish()?;
        }
        if let Some((writer, _)) = self.acts.take() {
            writer.finish()?;
        }
        if let Some(SignTables { signs, features }) = self.signs.take() {
            signs.0.finish()?;
            features.0.finish()?;
        }
        self.measures.0.finish()?;
        // The rows of the runs come last: where they are, the rest is.
        table::write(&self.runs_file, &runs_table(points, &self.rows))
    }
}

impl Sink for Recorder<'_> {
    fn take(&mut self, replica: u64, events: &Batch) -> Result<(), Fault> {
        self.played(events.len() as u64)?;
        let (keep, number, world) = (self.interactions.is_some(), self.base + replica, self.world);
        let (acts, words) = (self.acts.is_some(), world.experiment.names());
        let run = self.find(replica);
        for event in events.iter() {
            run.outcome.see(&event);
            run.measures.see(&event);
            run.followed.as_mut().and_then(|followed| followed.see(&event));
            if !keep {
                continue;
            }
            if acts {
                let word = |name: Name| words.get(name as usize).cloned().unwrap_or_else(|| format!("w{name}"));
                acts::rows(number, &event, word, &mut run.acts);
            }
            let pair = event.pair();
            run.waiting.push(number, &pair);
            run.waiting.push_hearers(event.group.then(|| &event.seats[1..]));
            let shown = run.kinds.as_ref().map(|kinds| world.shown(world.seed(replica), kinds, &pair));
            run.waiting.push_shown(&pair, shown.unwrap_or_default());
        }
        self.advance()
    }

    fn block(&mut self, replica: u64, block: &Block) -> Result<(), Fault> {
        self.played((block.n - block.first) as u64)?;
        let (keep, number) = (self.interactions.is_some(), self.base + replica);
        let run = self.find(replica);
        run.outcome.see_block(block);
        run.measures.see_block(block);
        if let Some(followed) = &mut run.followed {
            followed.see_block(block, block.first, block.n, |_, _| ());
        }
        if keep {
            self.rows_of(replica).push_block(number, block);
        }
        self.advance()
    }

    fn tally(&mut self, replica: u64, tally: &Tally) -> Result<(), Fault> {
        self.played(tally.end - tally.start)?;
        let run = self.find(replica);
        run.outcome.see_tally(tally);
        run.measures.see_tally(tally);
        self.advance()
    }

    fn end(&mut self, replica: u64) -> Result<(), Fault> {
        let run = self.find(replica);
        run.measures.end();
        run.over = true;
        self.progress.runs.fetch_add(1, Ordering::Relaxed);
        self.advance()
    }
}
