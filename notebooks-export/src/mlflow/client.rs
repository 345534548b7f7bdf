//! MLflow's REST interface, version 2.0, as far as an export needs it.
//!
//! Source: <https://mlflow.org/docs/latest/rest-api.html>. Plain HTTP only: a tracking server on the
//! own machine or network speaks it, and an SSH tunnel brings others near.

use std::time::Duration;

use serde_json::{Value, json};

/// Longest that one call may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// Most bytes of an answer that are read.
const ANSWER: u64 = 64 << 20;

/// What went wrong between this program and a tracking server.
#[derive(Debug, thiserror::Error)]
pub enum MlflowError {
    /// An address that cannot be one of a server.
    #[error("{uri} is no address of a tracking server: {why}; give one like http://127.0.0.1:5000")]
    Uri {
        /// The address.
        uri: String,
        /// Why.
        why: &'static str,
    },
    /// Nobody answers there.
    #[error(
        "no MLflow server answers at {uri}: {why}; start one with mlflow server, or give another address with --uri. \
         What has arrived stays, and an export that is repeated does not double it"
    )]
    Unreachable {
        /// The address.
        uri: String,
        /// What the network says.
        why: String,
    },
    /// The server says no.
    #[error("the MLflow server at {uri} refuses {call} with status {status}: {message}")]
    Refused {
        /// The address.
        uri: String,
        /// The call.
        call: &'static str,
        /// Status of HTTP.
        status: u16,
        /// MLflow's code of the error; empty where it gave none.
        code: String,
        /// What it says.
        message: String,
    },
    /// The answer is none of MLflow's.
    #[error(
        "{uri} answers {call} as no MLflow server does: {why}; is another program listening there?"
    )]
    Strange {
        /// The address.
        uri: String,
        /// The call.
        call: &'static str,
        /// What is strange.
        why: String,
    },
    /// The experiment lies in the bin.
    #[error(
        "the experiment {name} is deleted on the server: restore it with mlflow experiments restore, or choose another with --experiment"
    )]
    Deleted {
        /// Its name.
        name: String,
    },
}

/// A run that the server has.
pub(super) struct Found {
    pub id: String,
    /// Names and values.
    pub tags: Vec<(String, String)>,
}

/// A tracking server.
pub(super) struct Client {
    agent: ureq::Agent,
    uri: String,
}

impl Client {
    /// A server at an address; nothing is asked yet.
    pub fn new(uri: &str) -> Result<Self, MlflowError> {
        let refuse = |why| Err(MlflowError::Uri { uri: uri.to_owned(), why });
        if uri.starts_with("https://") {
            return refuse(
                "this export speaks plain HTTP and no HTTPS, which an SSH tunnel can replace",
            );
        }
        match uri.strip_prefix("http://") {
            None => return refuse("it does not begin with http://"),
            Some(rest) if rest.trim_start_matches('/').is_empty() => {
                return refuse("it names no machine");
            }
            Some(_) => {}
        }
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            // The server is on the own machine or network.
            .proxy(None)
            .build();
        Ok(Self { agent: config.into(), uri: uri.trim_end_matches('/').to_owned() })
    }

    /// Asks for something.
    pub fn get(&self, call: &'static str, query: &[(&str, &str)]) -> Result<Value, MlflowError> {
        let request = self.agent.get(self.address(call)).query_pairs(query.iter().copied());
        self.answer(call, request.call())
    }

    /// Sends something.
    pub fn post(&self, call: &'static str, body: &Value) -> Result<Value, MlflowError> {
        let request = self.agent.post(self.address(call)).content_type("application/json");
        self.answer(call, request.send(body.to_string()))
    }

    fn address(&self, call: &str) -> String {
        format!("{}/api/2.0/mlflow/{call}", self.uri)
    }

    fn answer(
        &self,
        call: &'static str,
        answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<Value, MlflowError> {
        let uri = || self.uri.clone();
        let unreachable =
            |error: ureq::Error| MlflowError::Unreachable { uri: uri(), why: error.to_string() };
        let mut answer = answer.map_err(|error| match error {
            ureq::Error::BadUri(_) | ureq::Error::Http(_) => {
                MlflowError::Uri { uri: uri(), why: "it does not read as one" }
            }
            error => unreachable(error),
        })?;
        let status = answer.status().as_u16();
        let text = answer.body_mut().with_config().limit(ANSWER).read_to_string();
        let text = text.map_err(unreachable)?;
        let body: Result<Value, _> = serde_json::from_str(&text);
        match (body, status) {
            (Ok(body), 200..=299) => Ok(body),
            (Ok(body), _) if body["error_code"].is_string() => {
                let [code, message] = ["error_code", "message"]
                    .map(|key| body[key].as_str().unwrap_or_default().to_owned());
                Err(MlflowError::Refused { uri: uri(), call, status, code, message })
            }
            (_, 200..=299) => Err(self.strange(call, "the answer is no JSON")),
            _ => Err(self.strange(call, &format!("status {status}"))),
        }
    }

    fn strange(&self, call: &'static str, why: &str) -> MlflowError {
        MlflowError::Strange { uri: self.uri.clone(), call, why: why.to_owned() }
    }

    /// A text inside an answer.
    fn text(
        &self,
        call: &'static str,
        answer: &Value,
        pointer: &'static str,
    ) -> Result<String, MlflowError> {
        let text = answer.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        text.ok_or_else(|| self.strange(call, &format!("there is no {pointer} in the answer")))
    }

    /// The id of an experiment, which is made where there is none of that name.
    pub fn experiment(&self, name: &str) -> Result<String, MlflowError> {
        let call = "experiments/get-by-name";
        match self.get(call, &[("experiment_name", name)]) {
            Ok(answer) => {
                if self.text(call, &answer, "/experiment/lifecycle_stage")? == "deleted" {
                    return Err(MlflowError::Deleted { name: name.to_owned() });
                }
                self.text(call, &answer, "/experiment/experiment_id")
            }
            Err(MlflowError::Refused { code, .. }) if code == "RESOURCE_DOES_NOT_EXIST" => {
                let call = "experiments/create";
                let answer = self.post(call, &json!({ "name": name }))?;
                self.text(call, &answer, "/experiment_id")
            }
            Err(error) => Err(error),
        }
    }

    /// The run of an experiment with this value of a tag.
    pub fn run_with(
        &self,
        experiment: &str,
        tag: &str,
        value: &str,
    ) -> Result<Option<Found>, MlflowError> {
        let call = "runs/search";
        let filter = format!("tags.`{tag}` = '{value}'");
        let body = json!({ "experiment_ids": [experiment], "filter": filter, "max_results": 1 });
        let answer = self.post(call, &body)?;
        let Some(run) = answer.pointer("/runs/0") else { return Ok(None) };
        let id = self.text(call, run, "/info/run_id")?;
        let tags = run.pointer("/data/tags").and_then(Value::as_array);
        let pair = |tag: &Value| {
            Some((tag["key"].as_str()?.to_owned(), tag["value"].as_str()?.to_owned()))
        };
        Ok(Some(Found { id, tags: tags.into_iter().flatten().filter_map(pair).collect() }))
    }

    /// Makes a run and returns its id.
    pub fn create_run(&self, body: &Value) -> Result<String, MlflowError> {
        let call = "runs/create";
        let answer = self.post(call, body)?;
        self.text(call, &answer, "/run/info/run_id")
    }
}
