//! Puts a bundle together, in the order in which its parts need each other.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::{Bundle, BundleError, Landmarks, Options, Running, provision};
use crate::calls::Calls;
use crate::endpoint::Endpoint;
use crate::engine::Engines;
use crate::function::{Function, Settings};
use crate::gateway::{Gateway, Routes};
use crate::logs::Logs;
use crate::poller::{Mapping, Poller};
use crate::schedule::{Schedules, Tick, Ticker, interval};
use crate::server;
use crate::template::{FunctionResource, Place, Template};

pub(super) async fn start(options: Options) -> Result<Bundle, BundleError> {
    // The ports come first, because the names of queues and of the API have them in them.
    let (api_listener, api_url) = listen(options.api_port).await?;
    let (endpoint_listener, endpoint_url) = listen(options.endpoint_port).await?;
    let place = Place {
        stack: options.stack_name.clone(),
        endpoint_url: endpoint_url.clone(),
        api_url: api_url.clone(),
    };
    let template = Template::read(&options.template, &options.parameters, &place)?;
    let landmarks = landmarks(&template)?;
    make_data_directory(&options)?;
    let logs = Arc::new(Logs::open(&options.log_sink).map_err(BundleError::Log)?);
    let functions = functions(&template, &options, &endpoint_url, &logs)?;
    let routes = routes(&functions)?;
    let ticks = ticks(&template, options.schedules)?;
    let engines = Engines::start(options.data_directory.as_deref(), &endpoint_url).await?;
    let engines = Arc::new(engines);
    provision::provision(&engines, &template, &options).await?;
    let pollers = pollers(&template, &functions, &engines, &options)?;
    let calls = Arc::new(Calls::default());
    let meter = options.meter.then(Arc::default);
    let endpoint = Endpoint {
        engines: Arc::clone(&engines),
        calls: Arc::clone(&calls),
        callers: options.callers.clone(),
        faults: options.faults.clone(),
        meter: meter.clone(),
    };
    let running = Running {
        endpoint: endpoint.serve(endpoint_listener),
        gateway: Gateway::new(routes, template.throttle).serve(api_listener),
        pollers,
        ticker: Ticker::start(&engines, ticks),
    };
    Ok(Bundle {
        template,
        landmarks,
        api_url,
        endpoint_url,
        functions,
        calls,
        meter,
        logs,
        engines,
        running,
    })
}

async fn listen(port: u16) -> Result<(tokio::net::TcpListener, String), BundleError> {
    let bound = server::bind(port).await;
    let (listener, address) = bound.map_err(|source| BundleError::Port { port, source })?;
    Ok((listener, format!("http://{address}")))
}

fn make_data_directory(options: &Options) -> Result<(), BundleError> {
    let Some(path) = &options.data_directory else {
        return Ok(());
    };
    std::fs::create_dir_all(path).map_err(|source| BundleError::DataDirectory {
        path: path.clone(),
        source,
    })
}

/// The bundle has one table, and one queue that a function polls, with its dead-letter queue.
fn landmarks(template: &Template) -> Result<Landmarks, BundleError> {
    let table = template
        .tables
        .first()
        .ok_or(BundleError::Lacking("AWS::DynamoDB::Table"))?;
    let source = template
        .functions
        .iter()
        .find_map(|function| function.sources.first());
    let queue = source.and_then(|source| template.queue_by_arn(&source.queue_arn));
    let queue = queue.ok_or(BundleError::Lacking(
        "AWS::SQS::Queue that a function polls",
    ))?;
    let dead_letters = queue
        .dead_letter_arn
        .as_ref()
        .and_then(|arn| template.queue_by_arn(arn));
    let dead_letters =
        dead_letters.ok_or(BundleError::Lacking("dead-letter queue for its queue"))?;
    Ok(Landmarks {
        table_name: table.name.clone(),
        queue_url: queue.url.clone(),
        dead_letter_queue_url: dead_letters.url.clone(),
    })
}

fn functions(
    template: &Template,
    options: &Options,
    endpoint_url: &str,
    logs: &Arc<Logs>,
) -> Result<Vec<Arc<Function>>, BundleError> {
    let function = |resource: &FunctionResource| {
        let own = options.function_environment.get(&resource.logical_id);
        let mut environment =
            BTreeMap::from([("ENDPOINT_URL".to_owned(), endpoint_url.to_owned())]);
        environment.extend(options.environment.clone());
        environment.extend(own.cloned().unwrap_or_default());
        Ok(Function::new(Settings {
            executable: executable(options, &resource.binary)?,
            concurrency: concurrency(resource, options.concurrency),
            resource: resource.clone(),
            environment,
            logs: Arc::clone(logs),
            callers: options.callers.clone(),
        }))
    };
    template.functions.iter().map(function).collect()
}

fn executable(options: &Options, binary: &str) -> Result<PathBuf, BundleError> {
    let path = options.binaries.join(binary);
    if path.is_file() {
        Ok(path)
    } else {
        Err(BundleError::NoBinary { path })
    }
}

/// What a queue's mapping allows, but no more than this machine shall have.
fn concurrency(resource: &FunctionResource, limit: usize) -> usize {
    let allowed = resource
        .sources
        .iter()
        .filter_map(|source| source.maximum_concurrency)
        .max();
    let allowed = allowed.and_then(|allowed| usize::try_from(allowed).ok());
    allowed.unwrap_or(limit).min(limit).max(1)
}

fn routes(functions: &[Arc<Function>]) -> Result<Routes<Arc<Function>>, BundleError> {
    let mut routes = Routes::default();
    for function in functions {
        for route in &function.resource().routes {
            routes.add(route, Arc::clone(function))?;
        }
    }
    Ok(routes)
}

fn ticks(template: &Template, schedules: Schedules) -> Result<Vec<Tick>, BundleError> {
    let mut ticks = Vec::new();
    for schedule in &template.schedules {
        let interval = match schedules {
            Schedules::Off => continue,
            Schedules::Every(interval) => interval,
            Schedules::AsWritten => {
                interval(&schedule.expression).map_err(|source| BundleError::Schedule {
                    schedule: schedule.logical_id.clone(),
                    source,
                })?
            }
        };
        let queue_url = queue_url(template, &schedule.target_arn, &schedule.logical_id)?;
        ticks.push(Tick {
            schedule: schedule.clone(),
            queue_url,
            interval,
        });
    }
    Ok(ticks)
}

fn queue_url(template: &Template, arn: &str, user: &str) -> Result<String, BundleError> {
    let queue = template.queue_by_arn(arn).map(|queue| queue.url.clone());
    queue.ok_or_else(|| BundleError::NoQueue {
        user: user.to_owned(),
        arn: arn.to_owned(),
    })
}

fn pollers(
    template: &Template,
    functions: &[Arc<Function>],
    engines: &Arc<Engines>,
    options: &Options,
) -> Result<Vec<Poller>, BundleError> {
    let mut pollers = Vec::new();
    for function in functions {
        for source in &function.resource().sources {
            let mut source = source.clone();
            source.window = options.batching_window.unwrap_or(source.window);
            let user = &function.resource().logical_id;
            let url = queue_url(template, &source.queue_arn, user)?;
            let concurrency = concurrency(function.resource(), options.concurrency);
            let faults = options.faults.clone();
            let mapping = Mapping::new(engines, function, source, url, faults);
            pollers.push(Poller::start(mapping, concurrency));
        }
    }
    Ok(pollers)
}
