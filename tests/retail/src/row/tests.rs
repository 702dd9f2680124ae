use super::{ReadError, Row, read};

const HEADER: &str = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";

fn rows(lines: &str) -> Result<Vec<Row>, ReadError> {
    read(format!("{HEADER}{lines}").as_bytes())
}

fn price(text: &str) -> Option<i64> {
    let line = format!("600001,10001,MUG,1,2010-12-01 09:00:00,{text},,France\n");
    rows(&line).ok().map(|rows| rows[0].tenths)
}

#[test]
fn a_line_is_read_to_the_letter() {
    let rows = rows("C600001,15056bl,\"PARASOL, BLUE\",-2,2010-12-01 08:26:00,5.95,17850,EIRE\n").unwrap();
    let expected = Row {
        invoice: "C600001".to_owned(),
        code: "15056bl".to_owned(),
        quantity: -2,
        tenths: 5_950,
        sold_at: "2010-12-01T08:26:00Z".to_owned(),
        customer: Some("17850".to_owned()),
        country: "EIRE".to_owned(),
    };
    assert_eq!(rows, [expected]);
}

#[test]
fn equal_lines_are_all_kept_in_their_order() {
    let line = "600001,10001,MUG,1,2010-12-01 09:00:00,1.25,17850,France\n";
    let other = line.replace("10001", "10002");
    let codes: Vec<String> = rows(&[line, &other, line].concat()).unwrap().into_iter().map(|row| row.code).collect();
    assert_eq!(codes, ["10001", "10002", "10001"]);
}

#[test]
fn a_line_may_lack_description_and_customer() {
    let rows = rows("600001,10001,,-5,2010-12-01 09:00:00,0,,United Kingdom\n").unwrap();
    assert_eq!((rows[0].customer.as_deref(), rows[0].tenths), (None, 0));
}

#[test]
fn prices_keep_their_tenths_of_a_penny() {
    let read = ["0", "4", "2.5", "2.55", "0.001", "38970"].map(price);
    assert_eq!(read, [0, 4_000, 2_500, 2_550, 1, 38_970_000].map(Some));
}

#[test]
fn what_is_no_price_in_tenths_of_a_penny_is_refused() {
    for text in ["", ".5", "-1.25", "0.0001", "1e3", "1.2.3", "99999999999999999999"] {
        assert_eq!(price(text), None, "{text}");
    }
}

#[test]
fn an_error_names_the_line_and_what_stands_there() {
    let good = "600001,10001,MUG,1,2010-12-01 09:00:00,1.25,17850,France\n";
    let late = good.replace("2010-12-01 09:00:00", "01/12/2010 9:00");
    let error = rows(&[good, &late].concat()).unwrap_err();
    assert_eq!(error.to_string(), "line 3: \"01/12/2010 9:00\" is no time such as 2010-12-01 08:26:00");
    assert!(matches!(rows(&good.replace(",1,", ",some,")), Err(ReadError::Csv(_))));
}
