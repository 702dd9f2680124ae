//! The commands of a message: each event once, and an event that was declared wrong undone.

use std::collections::{BTreeMap, BTreeSet};

use tillmesh_plugin::inbound::{
    AdjustStock, Command, CountStock, FulfilOrder, ReceiveStock, RecordReturn, RecordSale, SetAvailable,
};
use tillmesh_plugin::limits::MAX_LINES;
use tillmesh_plugin::location::Place;
use tillmesh_plugin::state::Store;
use tillmesh_plugin::{Catalogue, Context, Failure, Line, LineContent, StockLine, failure, log, metrics};

use crate::counts::Counts;
use crate::event::{Event, Kind};
use crate::goods::{Articles, Goods};
use crate::memory::Memory;
use crate::movement::{self, Movement};
use crate::place::{self, Places};
use crate::settings::{Settings, Shipping};
use crate::{document, order, undo};

/// What a body means.
///
/// # Errors
/// Of its first event that breaks a rule: all of a body is taken or nothing.
pub(crate) fn commands(
    body: &[u8],
    context: &Context,
    catalogue: &dyn Catalogue,
    store: &mut dyn Store,
) -> Result<Vec<Command>, Failure> {
    let settings = Settings::of(context)?;
    let json = document::json(body)?;
    let events: Vec<_> = document::events(&json)?.into_iter().map(Event::read).collect::<Result<_, _>>()?;
    let mut reader = Reader {
        events: &events,
        settings: &settings,
        places: Places::new(context),
        articles: Articles::new(catalogue, context),
        memory: Memory::new(store),
        taken: BTreeMap::new(),
        commands: Vec::new(),
    };
    let mut moves = events.iter().map(|event| reader.read(event)).collect::<Result<Vec<_>, _>>()?;
    add_rooms(&events, &mut moves)?;
    let mut idle = 0;
    for (number, moved) in moves.iter().enumerate() {
        let before = reader.commands.len();
        if let Some(moved) = moved {
            reader.take(number, moved)?;
        }
        idle += u64::from(reader.commands.len() == before);
    }
    if idle > 0 {
        log::info(&format!("{idle} of {} events move nothing here", events.len()));
        metrics::count("events-without-effect", idle);
    }
    let Reader { memory, commands, .. } = reader;
    memory.keep()?;
    Ok(commands)
}

/// Has each count and level say how many there are in all rooms of its location that the message counts.
fn add_rooms(events: &[Event<'_>], moves: &mut [Option<Move>]) -> Result<(), Failure> {
    let (mut counts, mut known) = (Counts::default(), BTreeSet::new());
    let counts_here = |event: &Event<'_>, moved: &Move| moved.states() && event.declared.is_none();
    for (event, moved) in events.iter().zip(&*moves) {
        let Some(moved) = moved.as_ref().filter(|moved| counts_here(event, moved)) else { continue };
        // An event that the message brings twice counts once.
        if known.insert(&moved.reference) {
            for (sku, units) in &moved.goods {
                let field = event.found.fields.at("bizStep");
                counts.add(&field, moved.counted(sku), moved.place.as_ref(), moved.at, *units)?;
            }
        }
    }
    for (event, moved) in events.iter().zip(moves) {
        let Some(moved) = moved.as_mut().filter(|moved| counts_here(event, moved)) else { continue };
        let total = |sku: &String| (sku.clone(), counts.total(&moved.counted(sku), moved.at));
        moved.goods = moved.goods.keys().map(total).collect();
    }
    Ok(())
}

struct Reader<'a> {
    events: &'a [Event<'a>],
    settings: &'a Settings,
    places: Places<'a>,
    articles: Articles<'a>,
    memory: Memory<'a>,
    /// The first event of each reference in this message, and of each that undoes one.
    taken: BTreeMap<String, usize>,
    commands: Vec<Command>,
}

/// What an event does: how its goods move, where, and under which reference.
#[derive(Debug, Clone)]
struct Move {
    movement: Movement,
    reference: String,
    /// The order that the event names, where goods leave for one.
    order: Option<String>,
    at: i64,
    location: Option<String>,
    /// The place that was counted, where goods are.
    place: Option<String>,
    /// What comes in, is counted, or leaves.
    goods: Goods,
    /// What went into a transformation.
    inputs: Goods,
}

impl<'a> Reader<'a> {
    fn take(&mut self, number: usize, moved: &Move) -> Result<(), Failure> {
        let events = self.events;
        let Some(event) = events.get(number) else { return Ok(()) };
        let is_first = self.is_first(number, event, &moved.reference)?;
        let before = moved.of(self.settings);
        // A node takes goods that come in, and counts, with each message: only here it is known that it did.
        let is_kept = matches!(moved.movement, Movement::Received | Movement::Counted | Movement::Available);
        let is_known = is_kept && self.memory.knows(&moved.reference);
        let Some(declared) = &event.declared else {
            if is_first && !is_known {
                self.commands.extend(before);
            }
            return Ok(());
        };
        let undo = undo::reference(&moved.reference);
        let is_undone = is_kept && self.memory.knows(&undo);
        if self.taken.insert(undo, number).is_some() || is_undone {
            return Ok(());
        }
        if is_kept && !is_known {
            let reference = &moved.reference;
            log::warn(&format!("{reference} was declared wrong, and did not come before: it is not taken"));
            return Ok(());
        }
        // What is undone must have been done; a node that has it under its reference already does nothing.
        if is_first && !is_kept {
            self.commands.extend(before.clone());
        }
        self.commands.extend(undo::of(&before, &moved.reference, declared));
        Ok(())
    }

    /// Whether the event is the first of its reference in this message.
    fn is_first(&mut self, number: usize, event: &Event<'_>, reference: &str) -> Result<bool, Failure> {
        let first = *self.taken.entry(reference.to_owned()).or_insert(number);
        if first == number {
            return Ok(true);
        }
        if self.events.get(first).is_some_and(|first| first.hash() == event.hash()) {
            return Ok(false);
        }
        let rule = "another event of this message has the same id";
        Err(failure::rejected(event.found.fields.at("eventID"), reference, rule))
    }

    /// What an event does here, if it does something.
    fn read(&mut self, event: &Event<'a>) -> Result<Option<Move>, Failure> {
        let movement = movement::of(event);
        let is_shipping = matches!(movement, Movement::Left | Movement::Stayed);
        if movement == Movement::Nothing || is_shipping && self.settings.shipping == Shipping::Ignore {
            return Ok(None);
        }
        let leaves = matches!(movement, Movement::Left | Movement::Stayed | Movement::Sold | Movement::Lost(_));
        let location = match self.places.of(event, leaves)? {
            Place::Ignored => return Ok(None),
            Place::Unsaid => None,
            Place::Here(location) => Some(location),
        };
        let fields = &event.found.fields;
        let (things, classes) = match event.kind {
            Kind::Aggregation | Kind::Association => ("childEPCs", "childQuantityList"),
            Kind::Transformation => ("outputEPCList", "outputQuantityList"),
            Kind::Object | Kind::Transaction => ("epcList", "quantityList"),
        };
        let goods = self.articles.of(fields, things, classes)?;
        let inputs = match event.kind {
            Kind::Transformation => self.articles.of(fields, "inputEPCList", "inputQuantityList")?,
            _ => Goods::new(),
        };
        let order = order::of(fields)?;
        if movement == Movement::Left && self.settings.shipping == Shipping::Fulfil && order.is_none() {
            let rule = "goods that leave for an order name it: a transaction of the type po";
            return Err(failure::malformed(fields.at("bizTransactionList"), "", rule));
        }
        let place = if movement.states() { place::counted(event)? } else { None };
        let reference = event.reference().into_owned();
        Ok(Some(Move { movement, reference, order, at: event.at, location, place, goods, inputs }))
    }
}

impl Move {
    /// What the node is told.
    fn of(&self, settings: &Settings) -> Vec<Command> {
        match self.movement {
            Movement::Nothing => Vec::new(),
            Movement::Available => self.levels(),
            // An order that has left cannot be called back; the return that follows brings its goods in.
            Movement::Stayed if settings.shipping == Shipping::Fulfil => Vec::new(),
            Movement::Left if settings.shipping != Shipping::Fulfil => self.adjusted(-1, "shipped"),
            Movement::Stayed => self.adjusted(1, "not shipped"),
            Movement::Found(reason) => self.adjusted(1, reason),
            Movement::Lost(reason) => self.adjusted(-1, reason),
            Movement::Transformed => self.transformed(),
            Movement::Received | Movement::TakenBack | Movement::Sold | Movement::Counted | Movement::Left => {
                let lines = self.lines();
                let parts = lines.chunks(MAX_LINES).enumerate();
                parts.map(|(index, lines)| self.part(index, lines.to_vec(), settings)).collect()
            }
        }
    }

    /// As many of the lines as a command has.
    fn part(&self, index: usize, lines: Vec<StockLine>, settings: &Settings) -> Command {
        let behind = if index == 0 { String::new() } else { format!("#{}", index + 1) };
        let (reference, location, at) = (format!("{}{behind}", self.reference), self.location.clone(), self.at);
        match self.movement {
            Movement::Received => Command::ReceiveStock(ReceiveStock { reference, lines, received_at: at, location }),
            Movement::Counted => Command::CountStock(CountStock { reference, lines, counted_at: at, location }),
            Movement::Sold => self.sale(reference, lines, settings),
            Movement::Left => {
                let order = self.order.clone().unwrap_or_default();
                Command::FulfilOrder(FulfilOrder { reference, order, lines, fulfilled_at: at, location })
            }
            _ => {
                let order = None;
                Command::RecordReturn(RecordReturn { reference, order, lines, returned_at: at, location })
            }
        }
    }

    fn states(&self) -> bool {
        self.movement.states()
    }

    /// What a count or level of an article is about.
    fn counted(&self, sku: &str) -> (bool, Option<String>, String) {
        (self.movement == Movement::Available, self.location.clone(), sku.to_owned())
    }

    /// The goods as lines. Only a count or a level says something of what there is none of.
    fn lines(&self) -> Vec<StockLine> {
        let goods = self.goods.iter().filter(|(_, units)| **units > 0 || self.states());
        goods.map(|(sku, units)| StockLine { sku: sku.clone(), quantity: *units }).collect()
    }

    fn sale(&self, reference: String, lines: Vec<StockLine>, settings: &Settings) -> Command {
        let line = |line: StockLine| Line {
            content: LineContent::Sku(line.sku),
            quantity: line.quantity,
            unit_price: None,
            amount: None,
        };
        Command::RecordSale(RecordSale {
            reference,
            lines: lines.into_iter().map(line).collect(),
            customer_ref: None,
            currency: settings.currency.clone(),
            sold_at: self.at,
            location: self.location.clone(),
        })
    }

    fn levels(&self) -> Vec<Command> {
        let level = |(sku, units): (&String, &u64)| {
            Command::SetAvailable(SetAvailable {
                sku: sku.clone(),
                available: signed(*units),
                as_of: self.at,
                location: self.location.clone(),
            })
        };
        self.goods.iter().map(level).collect()
    }

    fn adjusted(&self, sign: i64, reason: &str) -> Vec<Command> {
        let lines = self.lines().into_iter();
        lines.map(|line| self.adjustment(line.sku, sign * signed(line.quantity), reason)).collect()
    }

    /// What came out less what went in.
    fn transformed(&self) -> Vec<Command> {
        let mut changes: BTreeMap<&String, i64> = self.goods.iter().map(|(sku, units)| (sku, signed(*units))).collect();
        for (sku, units) in &self.inputs {
            *changes.entry(sku).or_default() -= signed(*units);
        }
        let changes = changes.into_iter().filter(|(_, change)| *change != 0);
        changes.map(|(sku, change)| self.adjustment(sku.clone(), change, "transformed")).collect()
    }

    fn adjustment(&self, sku: String, change: i64, reason: &str) -> Command {
        Command::AdjustStock(AdjustStock {
            reference: self.reference.clone(),
            sku,
            change,
            reason: Some(reason.to_owned()),
            adjusted_at: self.at,
            location: self.location.clone(),
        })
    }
}

/// Goods are counted far below where this would saturate.
fn signed(units: u64) -> i64 {
    i64::try_from(units).unwrap_or(i64::MAX)
}
