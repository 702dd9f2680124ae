#include "settings.h"

// The largest offset that is in use anywhere, in whole hours: Kiribati's.
static const int64_t max_offset_hours = 14;

static bool find(const Settings *settings, Text key, Text *value) {
    for (size_t entry = 0; entry < settings->config->len; entry++) {
        inbound_channel_tuple2_string_string_t pair = settings->config->ptr[entry];
        if (text_is((Text){(const char *)pair.f0.ptr, pair.f0.len}, key)) {
            *value = (Text){(const char *)pair.f1.ptr, pair.f1.len};
            return true;
        }
    }
    return false;
}

// A setting, or what is usual where it is not there or is empty.
static Text text_or(const Settings *settings, Text key, Text usual) {
    Text value;
    return find(settings, key, &value) && value.length > 0 ? value : usual;
}

static bool refused(Refusal *refusal, Text key, Text value, Rule rule) {
    *refusal = (Refusal){key, value, rule};
    return false;
}

static bool read_delimiter(Settings *settings, Refusal *refusal) {
    Text text = TEXT(",");
    find(settings, TEXT("delimiter"), &text);
    if (text_is(text, TEXT("tab"))) text = TEXT("\t");
    if (text.length != 1 || text_has(TEXT("\"\r\n"), text.at[0])) {
        return refused(refusal, TEXT("delimiter"), text, TEXT("it must be one ASCII character, or the word tab"));
    }
    settings->delimiter = text.at[0];
    return true;
}

static void read_columns(Settings *settings) {
    static const struct {
        Text key, usual;
    } known[COLUMNS] = {
        [RECEIPT] = {TEXT_IN("column.receipt"), TEXT_IN("receipt")},
        [SKU] = {TEXT_IN("column.sku"), TEXT_IN("sku")},
        [QUANTITY] = {TEXT_IN("column.quantity"), TEXT_IN("quantity")},
        [UNIT_PRICE] = {TEXT_IN("column.unit-price"), TEXT_IN("unit_price")},
        [TIME] = {TEXT_IN("column.time"), TEXT_IN("sold_at")},
        [CUSTOMER] = {TEXT_IN("column.customer"), TEXT_IN("")},
        [LOCATION] = {TEXT_IN("column.location"), TEXT_IN("")},
    };
    for (int column = 0; column < COLUMNS; column++) {
        settings->columns[column] = text_or(settings, known[column].key, known[column].usual);
    }
}

static bool read_currency(Settings *settings, Refusal *refusal) {
    Text code = TEXT("");
    find(settings, TEXT("currency"), &code);
    bool is_code = code.length == 3;
    for (size_t at = 0; is_code && at < code.length; at++) is_code = code.at[at] >= 'A' && code.at[at] <= 'Z';
    settings->currency = code;
    Rule rule = TEXT("the channel's settings must name the currency of the file, such as EUR");
    return is_code || refused(refusal, TEXT("currency"), code, rule);
}

// An offset such as +01:00.
static bool read_offset(Settings *settings, Refusal *refusal) {
    Text text;
    settings->has_offset = find(settings, TEXT("utc-offset"), &text);
    if (!settings->has_offset) return true;
    bool is_offset = text.length == 6 && (text.at[0] == '+' || text.at[0] == '-') && text.at[3] == ':' &&
                     are_digits((Text){text.at + 1, 2}) && are_digits(text_from(text, 4));
    int64_t hours = is_offset ? number_of((Text){text.at + 1, 2}) : 0;
    int64_t minutes = is_offset ? number_of(text_from(text, 4)) : 0;
    if (!is_offset || hours > max_offset_hours || minutes > 59) {
        return refused(refusal, TEXT("utc-offset"), text, TEXT("it must be an offset such as +01:00"));
    }
    settings->offset = (text.at[0] == '-' ? -1 : 1) * (hours * 60 + minutes);
    return true;
}

// A setting with two words, the first being the usual one.
static bool read_flag(const Settings *settings, Text key, Text usual, Text other, bool *flag, Refusal *refusal) {
    Text word = usual;
    find(settings, key, &word);
    *flag = text_is(word, other);
    if (*flag || text_is(word, usual)) return true;
    return refused(refusal, key, word, JOINED(TEXT("it must be "), usual, TEXT(" or "), other));
}

bool settings_read(const tillmesh_channel_types_context_t *context, Settings *settings, Refusal *refusal) {
    *settings = (Settings){.config = &context->config};
    read_columns(settings);
    settings->return_prefix = text_or(settings, TEXT("return-prefix"), TEXT(""));
    settings->charges = text_or(settings, TEXT("charges"), TEXT(""));
    bool *comma = &settings->decimal_comma, *skips = &settings->skips_bad_rows;
    return read_delimiter(settings, refusal) && read_currency(settings, refusal) && read_offset(settings, refusal) &&
           read_flag(settings, TEXT("decimal-comma"), TEXT("no"), TEXT("yes"), comma, refusal) &&
           read_flag(settings, TEXT("bad-rows"), TEXT("refuse"), TEXT("skip"), skips, refusal);
}

bool settings_is_charge(const Settings *settings, Text code) {
    Text left = settings->charges;
    while (left.length > 0) {
        Text charge = text_until(left, ' ');
        if (text_is(charge, code)) return true;
        left = text_from(left, charge.length < left.length ? charge.length + 1 : left.length);
    }
    return false;
}

bool settings_location(const Settings *settings, Text place, Text *name) {
    return find(settings, JOINED(TEXT("location."), place), name);
}
