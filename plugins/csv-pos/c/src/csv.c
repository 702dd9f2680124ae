#include "csv.h"

Csv csv_of(Text text, char delimiter) {
    return (Csv){text, delimiter, 0, kept(text.length)};
}

static bool is_at(const Csv *csv, char byte) {
    return csv->at < csv->text.length && csv->text.at[csv->at] == byte;
}

static bool is_in_field(const Csv *csv) {
    if (csv->at >= csv->text.length) return false;
    char byte = csv->text.at[csv->at];
    return byte != csv->delimiter && byte != '\r' && byte != '\n';
}

static void keep(Csv *csv) {
    *csv->unquoted++ = csv->text.at[csv->at++];
}

// What is between quotes, two of them being one. Where the last one is missing, all that is left.
static void keep_quoted(Csv *csv) {
    do {
        csv->at++;
        while (csv->at < csv->text.length && !is_at(csv, '"')) keep(csv);
        if (csv->at < csv->text.length) csv->at++;
        if (is_at(csv, '"')) *csv->unquoted++ = '"';
    } while (is_at(csv, '"'));
}

static void add_field(Csv *csv, Fields *fields) {
    const char *begin = csv->unquoted;
    if (is_at(csv, '"')) keep_quoted(csv);
    while (is_in_field(csv)) keep(csv);
    if (fields->count == fields->room) {
        fields->texts = with_room(fields->texts, fields->room, sizeof(Text));
        fields->room = fields->room > 0 ? 2 * fields->room : 1;
    }
    fields->texts[fields->count++] = (Text){begin, (size_t)(csv->unquoted - begin)};
}

bool csv_next(Csv *csv, Fields *fields) {
    if (csv->at == 0 && text_begins(csv->text, BYTE_ORDER_MARK)) csv->at = BYTE_ORDER_MARK.length;
    while (is_at(csv, '\r') || is_at(csv, '\n')) csv->at++;
    if (csv->at >= csv->text.length) return false;
    fields->count = 0;
    add_field(csv, fields);
    while (is_at(csv, csv->delimiter)) {
        csv->at++;
        add_field(csv, fields);
    }
    if (csv->at < csv->text.length) csv->at++;
    return true;
}
