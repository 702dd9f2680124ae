#include "table.h"

static bool refused(Refusal *refusal, Text field, Text value, Rule rule) {
    *refusal = (Refusal){field, value, rule};
    return false;
}

static bool no_names(Refusal *refusal) {
    return refused(refusal, TEXT("body"), TEXT(""), TEXT("it must begin with a line of column names"));
}

// The line of names, which must be whole: the first piece is longer than it. And what follows.
static bool split_names(Text text, char delimiter, bool last, Text *names, Text *rows) {
    if (text_begins(text, BYTE_ORDER_MARK)) text = text_from(text, BYTE_ORDER_MARK.length);
    Csv csv = csv_of(text, delimiter);
    Fields fields = {0};
    if (!csv_next(&csv, &fields) || csv.broken.length > 0 || (!last && csv.at == text.length)) return false;
    *names = (Text){text.at, csv.at};
    *rows = text_from(text, csv.at);
    return true;
}

// A name without the spaces around it.
static Text trimmed(Text name) {
    Text space = TEXT(" \t\n\f\r");
    while (name.length > 0 && text_has(space, name.at[0])) name = text_from(name, 1);
    while (name.length > 0 && text_has(space, name.at[name.length - 1])) name.length--;
    return name;
}

// Which field a column is.
static bool find_place(const Fields *named, Text name, size_t *place, Refusal *refusal) {
    size_t found = 0;
    for (size_t field = named->count; field > 0; field--) {
        if (!text_is(trimmed(named->texts[field - 1]), name)) continue;
        *place = field - 1;
        found++;
    }
    if (found == 1) return true;
    Rule rule = found == 0 ? TEXT("the line of names has no such column") : TEXT("the line of names has it twice");
    return refused(refusal, TEXT("columns"), name, rule);
}

static bool find_places(const Fields *named, const Settings *settings, size_t *places, Refusal *refusal) {
    for (int column = 0; column < COLUMNS; column++) {
        Text name = settings->columns[column];
        places[column] = SIZE_MAX;
        if (name.length > 0 && !find_place(named, name, &places[column], refusal)) return false;
    }
    return true;
}

bool table_open(const tillmesh_channel_types_piece_t *piece, const Settings *settings, Table *table, Refusal *refusal) {
    Carry carry;
    if (!carry_read((Text){(const char *)piece->carry.ptr, piece->carry.len}, &carry)) {
        return refused(refusal, TEXT("carry"), TEXT(""), TEXT("it is not what this plugin hands over"));
    }
    Text names = carry.names, rows = JOINED(carry.rest, (Text){(const char *)piece->bytes.ptr, piece->bytes.len});
    if (names.length == 0 && !split_names(rows, settings->delimiter, piece->last, &names, &rows)) {
        return no_names(refusal);
    }
    Csv line = csv_of(names, settings->delimiter);
    Fields named = {0};
    if (!csv_next(&line, &named)) return no_names(refusal);
    *table = (Table){.names = names,
                     .csv = csv_of(rows, settings->delimiter),
                     .width = named.count,
                     .rows_before = carry.rows,
                     .receipts = carry.receipts,
                     .last = piece->last};
    return find_places(&named, settings, table->places, refusal);
}

bool table_next(Table *table, Record *record) {
    size_t start = table->csv.at;
    bool more = csv_next(&table->csv, &table->fields);
    // A row that ends where the piece does may go on in the next one.
    if (!more || (!table->last && table->csv.at >= table->csv.text.length)) {
        table->rest = more ? start : table->csv.at;
        return false;
    }
    Rule broken = table->csv.broken;
    if (broken.length > 0) csv_end_with_line(&table->csv, start);
    table->starts = with_room(table->starts, table->rows, sizeof(size_t));
    table->starts[table->rows++] = start;
    table->rest = table->csv.at;
    uint64_t number = table->rows_before + table->rows;
    *record = (Record){table->fields, broken, table->places, table->width, number, start};
    return true;
}

bool table_carry(const Table *table, size_t from, Text *bytes, Refusal *refusal) {
    *bytes = TEXT("");
    if (table->last) return true;
    if (from > table->rest) from = table->rest;
    Text rest = text_from(table->csv.text, from);
    if (rest.length > max_rest) {
        Rule rule = JOINED(TEXT("a row or receipt is longer than "), text_of_number(max_rest), TEXT(" bytes"));
        return refused(refusal, TEXT("body"), TEXT(""), rule);
    }
    size_t done = 0;
    while (done < table->rows && table->starts[done] < from) done++;
    Carry carry = {table->rows_before + done, table->names, table->receipts, rest};
    *bytes = carry_write(&carry);
    return true;
}
