use super::*;

#[test]
fn the_commands_are_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn an_open_address_needs_its_risk_said() {
    let help = help(&["run"]).unwrap();
    assert!(help.contains("--allow-network-access-without-authentication"));
    assert!(help.contains("There is no access control"));
}

#[test]
fn a_command_that_there_is_not_has_no_help() {
    assert!(help(&["fly"]).is_none());
}
