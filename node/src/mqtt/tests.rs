//! Links against the embedded broker, against Mosquitto where it is installed, and against brokers that misbehave.

mod brokers;
mod misbehaviour;
mod support;
mod tls;
