//! Instances that serve more than one call, and what is done about those that should not.

use super::*;

/// A host of the test's own, for what it keeps is counted, and a guest whose instances are kept.
fn kept_guest() -> (PluginHost, Arc<Plugin>) {
    let host = PluginHost::new(HostOptions::default()).unwrap();
    let plugin = host.install_on(&component("misbehaving"), &Terms { reuse: true, ..Terms::default() }).unwrap();
    (host, plugin)
}

/// What the guest says to a topic: of `calls` how often its instance was asked that, of others 1.
fn says(plugin: &Plugin, topic: &str) -> i64 {
    let translation = plugin.translate(&message(topic, b""), &context()).unwrap();
    match &translation.commands[..] {
        [ChannelCommand::SetAvailable { available, .. }] => *available,
        other => panic!("{other:?}"),
    }
}

fn fault(plugin: &Plugin, topic: &str) -> CallFault {
    plugin.translate(&message(topic, b""), &context()).unwrap_err().fault
}

#[test]
fn an_instance_serves_again_where_the_plugin_is_to_be_reused_and_never_elsewhere() {
    let (_host, plugin) = kept_guest();
    // The second call is made in a fresh one, too, to compare.
    assert_eq!((says(&plugin, "honest"), says(&plugin, "honest")), (1, 1));
    assert_eq!([(); 3].map(|()| says(&plugin, "calls")), [1, 2, 3]);
    let fresh = plugin.with_reuse(false);
    assert_eq!([(); 3].map(|()| says(&fresh, "calls")), [1, 1, 1]);
}

#[test]
fn a_plugin_that_remembers_is_found_out_at_its_second_call_and_its_fresh_answer_counts() {
    let (host, plugin) = kept_guest();
    assert!(plugin.is_reused());
    assert_eq!([(); 5].map(|()| says(&plugin, "calls")), [1; 5]);
    assert!(!plugin.is_reused());
    assert_eq!(host.engine.shelf().len(), 0);
}

#[test]
fn one_that_remembers_later_is_found_out_within_fifty_calls() {
    let (_host, plugin) = kept_guest();
    (0..2).for_each(|_| assert_eq!(says(&plugin, "honest"), 1));
    let said: Vec<_> = (0..60).map(|_| says(&plugin, "calls")).collect();
    assert!(said[48] == 49 && said[49..].iter().all(|said| *said == 1), "{said:?}");
    assert!(!plugin.is_reused());
}

#[test]
fn an_instance_that_cannot_be_called_twice_costs_no_answer_and_is_tried_five_times() {
    let (host, plugin) = kept_guest();
    assert_eq!([(); 12].map(|()| says(&plugin, "once")), [1; 12]);
    assert!(!plugin.is_reused());
    assert_eq!(host.engine.shelf().len(), 0);
}

#[test]
fn what_a_used_instance_could_not_do_is_in_the_log_of_the_call() {
    let (_host, plugin) = kept_guest();
    let said = |_| plugin.translate(&message("once", b""), &context()).unwrap().report.log;
    let said: Vec<_> = (0..12).flat_map(said).map(|line| line.message).collect();
    let (last, others) = said.split_last().unwrap();
    assert_eq!(others, ["an instance that served before gave no answer, and a fresh one did"; 4]);
    assert!(last.contains("each call has a fresh one now; take `reuse` away"), "{last}");
}

#[test]
fn what_an_earlier_call_left_behind_costs_no_answer() {
    let (host, plugin) = kept_guest();
    (0..2).for_each(|_| assert_eq!(says(&plugin, "honest"), 1));
    // A used instance crashes at this, a fresh one answers.
    assert_eq!([(); 4].map(|()| says(&plugin, "once")), [1; 4]);
    assert!(matches!(fault(&plugin, "trap"), CallFault::Trap { .. }));
    assert_eq!(host.engine.shelf().len(), 0, "an instance that crashed was kept");
    assert_eq!(says(&plugin, "calls"), 1);
    assert!(matches!(fault(&plugin, "loop"), CallFault::Limit(Limit::Fuel)));
    assert!(matches!(fault(&plugin, "bad-sku"), CallFault::Answer { .. }));
    assert!(matches!(fault(&plugin, "fail"), CallFault::Failure(_)));
    assert_eq!(host.engine.shelf().len(), 1, "a plugin that says that it makes nothing of a message has answered");
    assert!(plugin.is_reused());
}

#[test]
fn a_kept_instance_has_the_fuel_the_context_and_the_log_of_each_call_alone() {
    let (_host, plugin) = kept_guest();
    (0..2).for_each(|_| assert_eq!(says(&plugin, "honest"), 1));
    let fuel = |topic: &str| plugin.translate(&message(topic, b""), &context()).unwrap().report.fuel;
    assert_eq!(fuel("honest"), fuel("honest"));
    let logged = |topic: &str| plugin.translate(&message(topic, b""), &context()).unwrap().report.log.len();
    assert_eq!(logged("log"), logged("log"));
    assert_eq!(logged("honest"), 0);
    let mut set = context();
    set.config.insert("sku".to_owned(), "B".to_owned());
    let told = |context: &CallContext| match &plugin.translate(&message("context", b""), context).unwrap().commands[..]
    {
        [ChannelCommand::SetAvailable { sku, available, .. }] => (sku.to_string(), *available),
        other => panic!("{other:?}"),
    };
    assert_eq!([told(&set), told(&context())], [("B".to_owned(), 1), ("none".to_owned(), 0)]);
}

#[test]
fn no_more_instances_are_kept_than_there_is_room_for_and_none_of_a_plugin_that_is_gone() {
    let (host, plugin) = kept_guest();
    let others: Vec<_> = (0..6).map(|_| plugin.with_reuse(true)).collect();
    others.iter().for_each(|other| assert_eq!(says(other, "honest"), 1));
    assert_eq!(host.engine.shelf().len(), crate::plugin::reuse::MAX_KEPT);
    drop(others);
    assert_eq!(host.engine.shelf().len(), 0);
}
