//! Questions to one datasource, many at a time.

use super::decode::{self, Dropped, Envelope};
use super::error::{Fault, ReadError};
use super::exchange::{Exchange, Observer};
use super::grid::{Chunk, Grid};
use super::http::Http;
use super::promql::{self, Matcher};
use super::settings::{DatasourceSettings, SettingsError};
use super::transport::{Ask, StatusPage, Transport};
use chrono::{DateTime, TimeDelta, Utc};
use floorcast_models::series::Series;
use futures::{StreamExt, future::BoxFuture, stream};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// A range is not cut into pieces shorter than this, however many samples it touches.
const SHORTEST_RANGE: i64 = 86_400;
/// Queries whose ranges had to be cut that are remembered.
const MOST_REMEMBERED: usize = 4096;

/// The samples of `[start, end)` every `step`, one series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeQuery {
    /// `PromQL`.
    pub query: String,
    /// From, rounded down to the step.
    pub start: DateTime<Utc>,
    /// To, rounded down to the step.
    pub end: DateTime<Utc>,
    /// Whole seconds.
    pub step: TimeDelta,
}

/// The samples asked for. What is not there is missing, not zero.
#[derive(Clone, Debug)]
pub struct Answer {
    /// On the grid of the step; each stamp is the start of its interval, and the value was evaluated at the interval's end.
    pub series: Series,
    /// What was left out.
    pub dropped: Dropped,
    /// The server's warnings: good enough to look at, not to learn or to raise from.
    pub warnings: Vec<String>,
    /// The server's clock less ours.
    pub clock_skew: Option<TimeDelta>,
}

impl Answer {
    /// Some stores did not answer, or the answer was cut: a part of the sum may be missing.
    pub fn is_partial(&self) -> bool {
        !self.warnings.is_empty()
    }

    /// Not one sample.
    pub fn is_empty(&self) -> bool {
        self.series.newest().is_none()
    }

    /// The series, unless something forbids learning from it.
    pub fn for_learning(&self) -> Option<&Series> {
        (!self.is_partial()).then_some(&self.series)
    }
}

/// One series of a table, by its label set.
pub type Row = (BTreeMap<String, String>, Answer);

/// One value now.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Labels, empty for a total.
    pub labels: BTreeMap<String, String>,
    /// The value; `None` where it is NaN, infinite or negative.
    pub value: Option<f64>,
    /// When it was evaluated.
    pub at: DateTime<Utc>,
}

/// Why a query selects nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Emptiness {
    /// The server has no metric of this name.
    NeverSeen {
        /// The name.
        metric: String,
        /// Names like it that exist, nearest first, at most three.
        similar: Vec<String>,
    },
    /// The metrics exist; the matchers select none of their series.
    NothingSelected {
        /// The names.
        metrics: Vec<String>,
    },
}

impl std::fmt::Display for Emptiness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NeverSeen { metric, similar } => {
                write!(f, "no metric is called {metric}{}", super::error::did_you_mean(similar))
            }
            Self::NothingSelected { metrics } => {
                write!(f, "{} exists, but no series has these labels; check the matchers", metrics.join(", "))
            }
        }
    }
}

/// Asks one datasource. Cheap to share; everything about it is bounded.
pub struct Reader {
    exchange: Exchange,
    required: Vec<Matcher>,
    spans: Mutex<BTreeMap<String, i64>>,
}

impl Reader {
    /// Over any transport; the seed makes the jitter of its back-off repeatable.
    pub fn new(
        settings: &DatasourceSettings,
        transport: Arc<dyn Transport>,
        observer: Arc<dyn Observer>,
        seed: u64,
    ) -> Self {
        let (name, limits) = (settings.name.clone(), settings.limits.clone());
        Self {
            exchange: Exchange::new(name, settings.kind, limits, transport, observer, seed),
            required: settings.required_matchers.clone(),
            spans: Mutex::new(BTreeMap::new()),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.exchange.name
    }

    /// Gives this tick its whole budget of requests.
    pub fn begin_tick(&self) {
        self.exchange.begin_tick();
    }

    /// Requests that this tick may still make.
    pub fn left(&self) -> u32 {
        self.exchange.left()
    }

    /// Requests that may be in flight now: fewer after 429 and 503.
    pub fn concurrency(&self) -> u32 {
        self.exchange.concurrency()
    }

    /// It answered last time.
    pub fn is_up(&self) -> bool {
        self.exchange.is_up()
    }

    /// Why it does not answer, with the remedy; `None` while it does.
    pub fn fault(&self) -> Option<ReadError> {
        self.exchange.fault().map(|fault| self.error(None, fault))
    }

    /// The server's clock less ours, by the `Date` of its last answer.
    pub fn clock_skew(&self) -> Option<TimeDelta> {
        self.exchange.skew()
    }

    /// The samples of many ranges, answers in the order of the questions; a failure of one is no failure of the others.
    pub async fn range(&self, now: DateTime<Utc>, queries: &[RangeQuery]) -> Vec<Result<Answer, ReadError>> {
        let asks = queries.iter().map(|q| -> BoxFuture<'_, _> {
            Box::pin(async move { self.one(now, q).await.map_err(|f| self.error(Some(&q.query), f)) })
        });
        self.each(asks.collect()).await
    }

    /// The samples of a range for every series of the query, by label set, with the server's warnings.
    pub async fn table(&self, now: DateTime<Utc>, query: &RangeQuery) -> Result<Vec<Row>, ReadError> {
        self.rows(now, query, self.exchange.limits.series, None).await.map_err(|f| self.error(Some(&query.query), f))
    }

    /// All values of each query at the moment `at`, past or present.
    pub async fn instant(
        &self,
        now: DateTime<Utc>,
        at: DateTime<Utc>,
        queries: &[String],
    ) -> Vec<Result<Vec<Sample>, ReadError>> {
        let asks = queries.iter().map(|q| -> BoxFuture<'_, _> {
            Box::pin(async move { self.at(now, at, q).await.map_err(|f| self.error(Some(q), f)) })
        });
        self.each(asks.collect()).await
    }

    /// Values of one label over the last day, of the series that our required matchers select.
    pub async fn label_values(&self, now: DateTime<Utc>, label: &str) -> Result<Vec<String>, ReadError> {
        let matching = (!self.required.is_empty()).then(|| promql::matching(&self.required));
        let ask = Ask::LabelValues { label: label.to_owned(), matching, start: now - TimeDelta::days(1), end: now };
        let body = self.exchange.ask(ask, None, now).await.map_err(|f| self.error(None, f))?;
        decode::label_values(&body).map_err(|f| self.error(None, f))
    }

    /// A status page's fields: version, start time, retention.
    pub async fn status(&self, now: DateTime<Utc>, page: StatusPage) -> Result<BTreeMap<String, String>, ReadError> {
        let body = self.exchange.ask(Ask::Status(page), None, now).await.map_err(|f| self.error(None, f))?;
        decode::status(&body).map_err(|f| self.error(None, f))
    }

    /// Why a query has no samples: a name that was never seen (a typo?), or matchers that select nothing.
    pub async fn why_empty(&self, now: DateTime<Utc>, query: &str) -> Result<Emptiness, ReadError> {
        let rejected = |text| self.error(Some(query), Fault::QueryRejected { text });
        let mut metrics: Vec<String> =
            promql::selected(query).map_err(rejected)?.into_iter().map(|s| s.metric).collect();
        metrics.dedup();
        let known = self.label_values(now, "__name__").await?;
        let missing = metrics.iter().find(|m| !known.contains(m));
        Ok(match missing {
            Some(metric) => Emptiness::NeverSeen { metric: metric.clone(), similar: nearest(metric, &known) },
            None => Emptiness::NothingSelected { metrics },
        })
    }

    fn error(&self, query: Option<&str>, fault: Fault) -> ReadError {
        ReadError { datasource: self.exchange.name.clone(), query: query.map(str::to_owned), fault }
    }

    /// As many at a time as the bulkhead lets through, answers in order. After a failure the first goes alone: if it
    /// fails too the others are not asked, and if it succeeds they need not wait for the next tick.
    ///
    /// The futures are boxed: a closure that borrows cannot be proven general enough for a spawned task otherwise.
    async fn each<T: Send>(&self, asks: Vec<BoxFuture<'_, T>>) -> Vec<T> {
        let alone = usize::from(!self.is_up()).min(asks.len());
        let mut answers = Vec::with_capacity(asks.len());
        let mut asks = asks.into_iter();
        for ask in asks.by_ref().take(alone) {
            answers.push(ask.await);
        }
        let width = self.exchange.limits.concurrency.max(1) as usize;
        let mut rest = stream::iter(asks).buffered(width);
        while let Some(answer) = rest.next().await {
            answers.push(answer);
        }
        answers
    }

    async fn one(&self, now: DateTime<Utc>, query: &RangeQuery) -> Result<Answer, Fault> {
        let mut rows = self.rows(now, query, 2, Some(2)).await?.into_iter();
        match (rows.next(), rows.next()) {
            (Some((_, answer)), None) => Ok(answer),
            (Some((first, _)), Some((second, _))) => {
                Err(Fault::AmbiguousSeries { first: label_set(first), second: label_set(second) })
            }
            (None, _) => Err(Fault::Malformed { why: "no rows".to_owned() }),
        }
    }

    /// At least one row: where nothing was selected, one without labels and without samples.
    async fn rows(
        &self,
        now: DateTime<Utc>,
        query: &RangeQuery,
        most: usize,
        limit: Option<u32>,
    ) -> Result<Vec<Row>, Fault> {
        let grid = Grid::new(query.start, query.end, query.step)?;
        let mut table = Table { grid, most, rows: BTreeMap::new(), dropped: Dropped::default(), warnings: Vec::new() };
        let mut chunks = grid.chunks(self.evaluations(&grid, &query.query));
        chunks.reverse();
        while let Some(chunk) = chunks.pop() {
            let body = self.exchange.ask(ask_for(query, &grid, chunk), limit, now).await;
            match body.and_then(|b| decode::query(&b, most)) {
                Ok(envelope) => table.take(chunk, envelope)?,
                Err(fault) => chunks.extend(self.smaller(&query.query, &grid, chunk, fault)?),
            }
        }
        self.observe(&table.dropped);
        table.finish(self.clock_skew())
    }

    /// Evaluations per request: the limits, and what was learned of this query.
    fn evaluations(&self, grid: &Grid, query: &str) -> usize {
        let most = grid.per_request(&self.exchange.limits);
        let spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        spans.get(query).map_or(most, |span| most.min((span / grid.step) as usize + 1))
    }

    /// The two halves of a chunk that was too much for the server, last one first; or its fault again.
    fn smaller(&self, query: &str, grid: &Grid, chunk: Chunk, fault: Fault) -> Result<Vec<Chunk>, Fault> {
        let span = chunk.last - chunk.first;
        let heavy = is_too_heavy(&fault);
        if !heavy && !matches!(fault, Fault::TimedOut { .. }) {
            return Err(fault);
        }
        let middle = chunk.first + span / 2 / grid.step * grid.step;
        if span / 2 < SHORTEST_RANGE || middle <= chunk.first {
            return Err(if heavy { too_many(&fault, span) } else { fault });
        }
        self.remember(query, span / 2);
        if !heavy {
            // A timeout is no business of this tick any more: the next one asks for less.
            return Err(fault);
        }
        Ok(vec![Chunk { first: middle, last: chunk.last }, Chunk { first: chunk.first, last: middle }])
    }

    fn remember(&self, query: &str, span: i64) {
        let mut spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        if spans.len() >= MOST_REMEMBERED {
            spans.clear();
        }
        spans.insert(query.to_owned(), span);
    }

    async fn at(&self, now: DateTime<Utc>, at: DateTime<Utc>, query: &str) -> Result<Vec<Sample>, Fault> {
        let ask = Ask::Instant { query: query.to_owned(), at };
        let body = self.exchange.ask(ask, None, now).await?;
        let envelope = decode::query(&body, self.exchange.limits.series)?;
        if envelope.more > 0 {
            return Err(Fault::TooLarge { cap: self.exchange.limits.body_bytes });
        }
        let sample = |row: decode::Decoded| {
            self.observe(&row.dropped);
            let last = row.points.last();
            Sample {
                value: last.map(|p| f64::from(p.1)),
                at: last.and_then(|p| DateTime::from_timestamp_millis(p.0)).unwrap_or(at),
                labels: row.labels,
            }
        };
        Ok(envelope.series.into_iter().map(sample).collect())
    }

    fn observe(&self, dropped: &Dropped) {
        // None is told too: a counter that begins with its first drops hides them from every `increase`.
        for (reason, count) in dropped.by_reason() {
            self.exchange.observer.dropped(&self.exchange.name, reason, count);
        }
    }
}

fn ask_for(query: &RangeQuery, grid: &Grid, chunk: Chunk) -> Ask {
    let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap_or_default();
    let step = TimeDelta::seconds(grid.step);
    Ask::Range { query: query.query.clone(), start: at(chunk.first), end: at(chunk.last), step }
}

/// Prometheus: "query processing would load too many samples"; Thanos and Mimir: limits of series and chunks;
/// `VictoriaMetrics`: `-search.maxSamplesPerQuery`, `-search.maxPointsPerTimeseries`.
fn is_too_heavy(fault: &Fault) -> bool {
    let Fault::QueryRejected { text } = fault else { return false };
    let text = text.to_ascii_lowercase();
    [
        "too many samples",
        "too many points",
        "maximum resolution",
        "samplesperquer",
        "pointspertimeseries",
        "max-fetched",
        "exceeded sample",
    ]
    .iter()
    .any(|sign| text.contains(sign))
}

fn too_many(fault: &Fault, span: i64) -> Fault {
    let text = if let Fault::QueryRejected { text } = fault { text.clone() } else { String::new() };
    Fault::TooManySamples { range: std::time::Duration::from_secs(span.unsigned_abs()), text }
}

fn label_set(labels: BTreeMap<String, String>) -> String {
    decode::Decoded { labels, ..decode::Decoded::default() }.label_set()
}

/// At most three names within an edit distance of a third of the name's length, nearest first.
fn nearest(name: &str, known: &[String]) -> Vec<String> {
    let most = (name.chars().count() / 3).max(2);
    let mut found: Vec<(usize, &String)> = known
        .iter()
        .filter(|k| k.len().abs_diff(name.len()) <= most * 4)
        .map(|k| (strsim::damerau_levenshtein(name, k), k))
        .filter(|(distance, _)| *distance <= most)
        .collect();
    found.sort();
    found.into_iter().take(3).map(|(_, k)| k.clone()).collect()
}

/// Rows of a range, filled chunk by chunk.
struct Table {
    grid: Grid,
    most: usize,
    rows: BTreeMap<BTreeMap<String, String>, Vec<f32>>,
    dropped: Dropped,
    warnings: Vec<String>,
}

impl Table {
    fn take(&mut self, chunk: Chunk, envelope: Envelope) -> Result<(), Fault> {
        for series in envelope.series {
            self.dropped.add(series.dropped);
            if series.points.is_empty() && series.dropped.total() == 0 {
                continue;
            }
            let row = self.rows.entry(series.labels).or_insert_with(|| vec![f32::NAN; self.grid.len]);
            self.grid.place(chunk, &series.points, row)?;
            if self.rows.len() > self.most {
                break;
            }
        }
        for warning in envelope.warnings {
            if !self.warnings.contains(&warning) && self.warnings.len() < 8 {
                self.warnings.push(warning);
            }
        }
        if envelope.more > 0 && self.most > 2 {
            self.warnings.push(format!("{} more series were left out", envelope.more));
        }
        Ok(())
    }

    fn finish(mut self, clock_skew: Option<TimeDelta>) -> Result<Vec<Row>, Fault> {
        if self.rows.is_empty() {
            self.rows.insert(BTreeMap::new(), vec![f32::NAN; self.grid.len]);
        }
        let start = DateTime::from_timestamp(self.grid.start, 0).unwrap_or_default();
        let step = TimeDelta::seconds(self.grid.step);
        let mut answers = Vec::with_capacity(self.rows.len());
        for (labels, values) in self.rows {
            let series = Series::new(start, step, values).map_err(|e| Fault::Malformed { why: e.to_string() })?;
            let answer = Answer { series, dropped: self.dropped, warnings: self.warnings.clone(), clock_skew };
            answers.push((labels, answer));
        }
        Ok(answers)
    }
}

/// Every datasource of the configuration, by name.
#[derive(Default)]
pub struct Datasources {
    readers: BTreeMap<String, Arc<Reader>>,
}

impl Datasources {
    /// Over HTTP.
    pub fn connect(
        settings: &[DatasourceSettings],
        observer: &Arc<dyn Observer>,
        seed: u64,
    ) -> Result<Self, SettingsError> {
        let mut readers = BTreeMap::new();
        for (one, i) in settings.iter().zip(0_u64..) {
            let transport = Arc::new(Http::new(one)?);
            let reader = Reader::new(one, transport, Arc::clone(observer), seed.wrapping_add(i));
            readers.insert(one.name.clone(), Arc::new(reader));
        }
        Ok(Self { readers })
    }

    /// Of readers made elsewhere: the simulation's.
    pub fn of(readers: impl IntoIterator<Item = Reader>) -> Self {
        Self { readers: readers.into_iter().map(|r| (r.name().to_owned(), Arc::new(r))).collect() }
    }

    /// One by its name.
    pub fn get(&self, name: &str) -> Result<&Arc<Reader>, ReadError> {
        self.readers.get(name).ok_or_else(|| ReadError {
            datasource: name.to_owned(),
            query: None,
            fault: Fault::Unknown { similar: nearest(name, &self.readers.keys().cloned().collect::<Vec<_>>()) },
        })
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Reader>> {
        self.readers.values()
    }

    /// Gives this tick its whole budgets.
    pub fn begin_tick(&self) {
        self.iter().for_each(|r| r.begin_tick());
    }

    /// Requests that this tick may still make of each of them; no bound where there is none of them.
    pub fn left(&self) -> u32 {
        self.iter().map(|r| r.left()).min().unwrap_or(u32::MAX)
    }
}
