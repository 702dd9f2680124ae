#include "row.h"

#include "moment.h"

// The largest quantity that a node records in a line.
static const int64_t max_units = 1000000000;
// The largest amount that a node records.
static const int64_t max_amount = 1000000000000000;
// The most decimals of a unit price.
static const size_t max_scale = 9;
// The longest SKU that a node takes, in bytes.
static const size_t max_sku = 64;
// The longest number of a receipt, in bytes: with a location, a time and a count behind it a reference takes it.
static const size_t max_receipt = 56;
// The longest customer's reference, in bytes.
static const size_t max_customer = 128;

static bool refused(const Record *record, Text column, Text value, Rule rule, Refusal *refusal) {
    if (rule.length == 0) return false;
    Text number = text_of_number(record->number);
    *refusal = (Refusal){JOINED(TEXT("row "), number, TEXT(", "), column), value, rule};
    return true;
}

// A field without the spaces around it; nothing where its column is not read.
static Rule read_optional(const Record *record, Column column, Text *text) {
    size_t place = record->places[column];
    Text field = place < record->fields.count ? record->fields.texts[place] : TEXT("");
    *text = text_trimmed(field);
    return text_is_utf8(field) ? NO_RULE : TEXT("it is no UTF-8");
}

static Rule read_filled(const Record *record, Column column, Text *text) {
    Rule rule = read_optional(record, column, text);
    return rule.length == 0 && text->length == 0 ? TEXT("it must not be empty") : rule;
}

static Rule check_short(Text text, size_t most) {
    if (text_is_short(text, most)) return NO_RULE;
    return JOINED(TEXT("it must have at most "), text_of_number(most), TEXT(" bytes and no control characters"));
}

static Text without_zeros(Text digits) {
    while (digits.length > 1 && digits.at[0] == '0') digits = text_from(digits, 1);
    return digits;
}

// Whether digits are more than 64 bits hold, with their sign.
static bool is_too_long(Text digits, bool is_negative) {
    Text most = is_negative ? TEXT("9223372036854775808") : TEXT("9223372036854775807");
    if (digits.length != most.length) return digits.length > most.length;
    for (size_t at = 0; at < most.length; at++) {
        if (digits.at[at] != most.at[at]) return digits.at[at] > most.at[at];
    }
    return false;
}

// A whole number of units, with zeros behind the point or without; never 0.
static Rule read_units(Text text, const Settings *settings, int64_t *units) {
    Rule no_number = TEXT("it must be a whole number of base units");
    Text whole = text_until(text, settings->decimal_comma ? ',' : '.');
    Text zeros = text_from(text, whole.length);
    for (size_t at = 1; at < zeros.length; at++) {
        if (zeros.at[at] != '0') return no_number;
    }
    bool is_negative = text_begins(whole, TEXT("-"));
    Text digits = is_negative || text_begins(whole, TEXT("+")) ? text_from(whole, 1) : whole;
    if (zeros.length == 1 || digits.length == 0 || !are_digits(digits)) return no_number;
    digits = without_zeros(digits);
    if (is_too_long(digits, is_negative)) return no_number;
    // As many digits as the largest has tell that it is larger.
    *units = number_of(digits.length > 10 ? (Text){"9999999999", 10} : digits);
    if (*units == 0) return TEXT("it must not be 0");
    if (*units > max_units) return JOINED(TEXT("it must be at most "), text_of_number((uint64_t)max_units));
    if (is_negative) *units = -*units;
    return NO_RULE;
}

// What a row says. Without a prefix of returns, what is negative came back; with one, only what stands on those
// receipts did.
static Rule read_what(Text receipt, Text code, bool is_sold, const Settings *settings, What *what) {
    bool has_prefix = settings->return_prefix.length > 0;
    bool on_return = has_prefix && text_begins(receipt, settings->return_prefix);
    if (settings_is_charge(settings, code)) {
        *what = CHARGED;
        bool is_sale = is_sold && !on_return;
        return is_sale ? NO_RULE : TEXT("it is a charge, and money alone cannot be taken back");
    }
    *what = is_sold ? SOLD : on_return || !has_prefix ? TAKEN_BACK : WRITTEN_OFF;
    return is_sold && on_return ? TEXT("it was sold, and its receipt takes goods back") : NO_RULE;
}

// A price as it is written, digit for digit.
static Rule read_price(Text text, const Settings *settings, Row *row) {
    bool comma = settings->decimal_comma;
    if (comma && text_has(text, '.')) return TEXT("it must be a decimal such as 12,50, without points");
    bool is_negative = text_begins(text, TEXT("-"));
    Text digits = is_negative ? text_from(text, 1) : text;
    Text whole = text_until(digits, comma ? ',' : '.');
    Text fraction = text_from(digits, whole.length < digits.length ? whole.length + 1 : whole.length);
    bool has_end = whole.length == digits.length || fraction.length > 0;
    if (whole.length == 0 || !has_end || !are_digits(whole) || !are_digits(fraction)) {
        return TEXT("it must be a decimal such as 12.50");
    }
    if (fraction.length > max_scale) {
        Text decimals = text_of_number(fraction.length), most = text_of_number(max_scale);
        return JOINED(TEXT("it has "), decimals, TEXT(" decimals, at most "), most, TEXT(" are allowed"));
    }
    Text amount = without_zeros(JOINED(whole, fraction));
    if (amount.length > 16 || number_of(amount) > max_amount) return TEXT("it is too large");
    row->price = number_of(amount);
    row->price_scale = (uint8_t)fraction.length;
    return is_negative && row->price > 0 ? TEXT("it must not be negative") : NO_RULE;
}

// A location of the file as one of the node's; the node's own where the file says none.
static Rule read_location(const Record *record, const Settings *settings, Text *name) {
    Text place;
    Rule rule = read_optional(record, LOCATION, &place);
    *name = TEXT("");
    if (rule.length > 0 || place.length == 0) return rule;
    if (!settings_location(settings, place, name)) {
        return JOINED(TEXT("the channel's settings have no location."), place);
    }
    return name->length > 0 ? NO_RULE : JOINED(TEXT("location."), place, TEXT(" names no location"));
}

static Rule check_fields(const Record *record) {
    if (record->broken.length > 0) return record->broken;
    if (record->fields.count == record->width) return NO_RULE;
    Text found = text_of_number(record->fields.count), width = text_of_number(record->width);
    return JOINED(TEXT("it has "), found, TEXT(" fields, the line of names has "), width);
}

bool row_read(const Record *record, const Settings *settings, Row *row, Refusal *refusal) {
    const Text *columns = settings->columns, none = TEXT("");
    Text quantity, price, time;
#define CHECK(column, value, rule) \
    if (refused(record, column, value, rule, refusal)) return false
    CHECK(TEXT("fields"), none, check_fields(record));
    CHECK(columns[RECEIPT], none, read_filled(record, RECEIPT, &row->receipt));
    CHECK(columns[SKU], none, read_filled(record, SKU, &row->code));
    CHECK(columns[RECEIPT], row->receipt, check_short(row->receipt, max_receipt));
    CHECK(columns[SKU], row->code, check_short(row->code, max_sku));
    CHECK(columns[QUANTITY], none, read_filled(record, QUANTITY, &quantity));
    CHECK(columns[UNIT_PRICE], none, read_filled(record, UNIT_PRICE, &price));
    CHECK(columns[TIME], none, read_filled(record, TIME, &time));
    CHECK(columns[QUANTITY], quantity, read_units(quantity, settings, &row->units));
    CHECK(columns[SKU], row->code, read_what(row->receipt, row->code, row->units > 0, settings, &row->what));
    CHECK(columns[UNIT_PRICE], price, read_price(price, settings, row));
    CHECK(columns[TIME], time, moment_read(time, settings, &row->at));
    CHECK(TEXT("customer"), none, read_optional(record, CUSTOMER, &row->customer));
    CHECK(TEXT("customer"), row->customer, check_short(row->customer, max_customer));
    CHECK(TEXT("location"), none, read_location(record, settings, &row->location));
#undef CHECK
    if (row->units < 0) row->units = -row->units;
    return true;
}
