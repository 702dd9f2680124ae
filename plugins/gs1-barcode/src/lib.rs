//! What hand-held scanners and scanning apps send, as commands: goods that come in, are counted, come back or are
//! written off.
//!
//! [`body`] reads a message, [`label`] what a scanner sent of one label, by [`gs1`], which knows the standards and
//! nothing of a node; [`goods`] finds the SKUs and adds up, [`commands`] says what that means.

use tillmesh_plugin::inbound::{Command, Inbound};
use tillmesh_plugin::location::Place;
use tillmesh_plugin::{Catalogue, Context, Failure, Message};

mod body;
mod commands;
mod goods;
pub mod gs1;
mod in_store;
mod label;
mod purpose;
mod settings;

use settings::Settings;

/// The plugin.
#[derive(Debug)]
pub struct Gs1Barcode;

impl Inbound for Gs1Barcode {
    fn translate(message: &Message, context: &Context, catalogue: &dyn Catalogue) -> Result<Vec<Command>, Failure> {
        let settings = Settings::of(context)?;
        let body = body::read(message, context, &settings)?;
        if body.location == Place::Ignored {
            return Ok(Vec::new());
        }
        let lines = goods::sum(&body, &settings, catalogue)?;
        commands::of(body, lines)
    }
}

tillmesh_plugin::register_inbound!(Gs1Barcode);

#[cfg(test)]
mod tests;
