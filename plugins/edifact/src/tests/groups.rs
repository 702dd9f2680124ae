//! Interchanges with groups, and empty ones.

use super::*;

/// An order and a report, each in a group.
pub(super) fn in_groups() -> String {
    let alone = |body: &str| {
        let begin = body.find("UNH").unwrap();
        body[begin..body.find("UNZ").unwrap()].to_owned()
    };
    let (order, report) = (alone(ORDER), alone(REPORT));
    format!(
        "UNB+UNOC:3+BUYER+SHOP+261128:0930+4711'\n\
         UNG+ORDERS+BUYING+SALES+261128:0930+71+UN+D:96A'\n{order}UNE+1+71'\n\
         UNG+INVRPT+STORES+SALES+261128:0930+72+UN+D:96A'\n{report}UNE+1+72'\n\
         UNZ+2+4711'\n"
    )
}

#[test]
fn what_is_in_groups_means_the_same_and_each_group_is_acknowledged() {
    let (taken, answer) = exchanged(&in_groups());
    let alone = [translate(ORDER, &[]).unwrap(), translate(REPORT, &[]).unwrap()].concat();
    assert_eq!(taken, Ok(alone));
    assert_eq!(
        answer[2..7],
        [
            "UCI+4711+BUYER+SHOP+7",
            "UCF+71+BUYING+SALES+7",
            "UCM+1+ORDERS:D:96A:UN:EAN008+7",
            "UCF+72+STORES+SALES+7",
            "UCM+1+INVRPT:D:96A:UN+7",
        ]
    );
}

#[test]
fn what_is_wrong_with_a_group_is_named_and_acknowledged_with_its_code() {
    let cases = [
        ("UNE+1+71", "UNE+1+72", "UNB 4711 UNG 71 UNE", "UCF+71+BUYING+SALES+4+28+UNE"),
        ("UNE+1+71", "UNE+2+71", "UNB 4711 UNG 71 UNE", "UCF+71+BUYING+SALES+4+29+UNE"),
        ("UNE+1+71'\n", "", "UNB 4711 UNG 71 UNE", "UCF+71+BUYING+SALES+4+13+UNE"),
        ("UNE+1+72'\n", "", "UNB 4711 UNG 72 UNE", "UCF+72+STORES+SALES+4+13+UNE"),
        ("UNZ+2", "UNZ+1", "UNB 4711 UNZ", "UCI+4711+BUYER+SHOP+4+29+UNZ"),
        ("UNZ+2", "UNE+1+72'\nUNZ+2", "UNB 4711 UNB", "UCI+4711+BUYER+SHOP+4+33"),
        ("UNZ+2", "UNG+X+A+B+261128:0930+73'\nUNE+0+73'\nUNZ+3", "UNB 4711 UNG 73 UNG", "UCF+73+A+B+4+32+UNG"),
        ("UNG+ORDERS", "UNG+INVRPT", "UNB 4711 UNG 71 UNG", "UCF+71+BUYING+SALES+4+31+UNG"),
        ("UNZ+2", "UNH+9+CONTRL:D:3:UN'\nUNT+2+9'\nUNZ+2", "UNB 4711 UNB", "UCI+4711+BUYER+SHOP+4+30"),
    ];
    for (sound, broken, field, segment) in cases {
        let body = in_groups().replace(sound, broken);
        let (_, answer) = exchanged(&body);
        assert_eq!(malformed(&body), field, "{broken}");
        assert!(answer.iter().any(|it| it == segment), "{broken}: {answer:?}");
    }
}

#[test]
fn the_message_that_is_to_blame_is_told_from_one_of_the_same_reference_in_another_group() {
    let (taken, answer) = exchanged(&in_groups().replace("ORDERS", "INVOIC"));
    let at = "UNB 4711 UNG 71 UNH 1 UNH";
    assert!(matches!(&taken, Err(Failure::Unsupported(detail)) if detail.field == at), "{taken:?}");
    let told: Vec<_> = answer.iter().filter(|segment| segment.starts_with("UCM")).collect();
    assert_eq!(told, ["UCM+1+INVOIC:D:96A:UN:EAN008+4+17", "UCM+1+INVRPT:D:96A:UN+4"]);
    assert_eq!(malformed(&in_groups().replace("UNT+11+1", "UNT+12+1")), "UNB 4711 UNG 72 UNH 1 UNT");
}

#[test]
fn an_interchange_without_a_message_is_refused() {
    let (taken, answer) = exchanged("UNB+UNOC:3+BUYER+SHOP+261128:0930+4711'UNZ+0+4711'");
    assert!(matches!(taken, Err(Failure::Malformed(_))), "{taken:?}");
    assert!(answer.contains(&"UCI+4711+BUYER+SHOP+4+32".to_owned()), "{answer:?}");
}
