// A till's receipts as CSV, one row an item: sales, returns and write-offs, by the columns that the settings name.
//
// A file may come in pieces: rows of a receipt that is not known to be complete wait for the next piece.

#include "inbound_channel.h"
#include "receipt.h"
#include "table.h"

// Values are shown to find the place, not to keep the message: the message itself is kept beside the failure.
static const size_t max_value = 80;

// Rows that were refused and passed over.
typedef struct {
    size_t *starts;
    size_t count;
} PassedOver;

static inbound_channel_string_t string(Text text) {
    return (inbound_channel_string_t){(uint8_t *)text.at, text.length};
}

static tillmesh_channel_types_detail_t detail_of(const Refusal *refusal) {
    Text value = text_shortened(refusal->value, max_value);
    return (tillmesh_channel_types_detail_t){string(refusal->field), string(value), string(refusal->rule)};
}

static void pass_over(PassedOver *passed_over, size_t start, const Refusal *refusal) {
    passed_over->starts = with_room(passed_over->starts, passed_over->count, sizeof(size_t));
    passed_over->starts[passed_over->count++] = start;
    Text value = text_quoted(refusal->value);
    inbound_channel_string_t line = string(JOINED(refusal->field, TEXT(" "), value, TEXT(": "), refusal->rule));
    tillmesh_channel_log_write(TILLMESH_CHANNEL_LOG_LEVEL_WARN, &line);
}

// Counts those that the next call does not read again.
static void count_passed_over(const PassedOver *passed_over, size_t end) {
    uint64_t count = 0;
    while (count < passed_over->count && passed_over->starts[count] < end) count++;
    inbound_channel_string_t name = string(TEXT("refused-rows"));
    tillmesh_channel_metrics_count(&name, count);
}

// Closes the receipt that is open, and begins one with a row.
static void begin(Table *table, const Settings *settings, const Row *row, size_t start, Receipt *open,
                  Commands *commands) {
    receipt_close(open, settings->currency, commands);
    Text name = receipt_name_of(row);
    *open = (Receipt){.start = start, .name = name, .times = receipts_begin(&table->receipts, name)};
}

static bool translate(Table *table, const Settings *settings, Commands *commands, Text *carry, Refusal *refusal) {
    Receipt open = {0};
    PassedOver passed_over = {0};
    Record record;
    while (table_next(table, &record)) {
        Row row;
        if (!row_read(&record, settings, &row, refusal)) {
            if (!settings->skips_bad_rows) return false;
            pass_over(&passed_over, record.start, refusal);
            continue;
        }
        if (!receipt_takes(&open, &row)) begin(table, settings, &row, record.start, &open, commands);
        receipt_add(&open, &row);
    }
    bool waits = !table->last && open.count > 0;
    if (waits) receipts_take_back(&table->receipts, open.name);
    else receipt_close(&open, settings->currency, commands);
    count_passed_over(&passed_over, waits ? open.start : SIZE_MAX);
    return table_carry(table, waits ? open.start : SIZE_MAX, carry, refusal);
}

// What the bindings call when the node has the answer. The instance ends then, and its memory with it.
void __wasm_export_exports_tillmesh_channel_inbound_translate_post_return(uint8_t *answer) {
    (void)answer;
}

bool exports_tillmesh_channel_inbound_translate(exports_tillmesh_channel_inbound_message_t *message,
                                                exports_tillmesh_channel_inbound_context_t *context,
                                                exports_tillmesh_channel_inbound_translation_t *translation,
                                                exports_tillmesh_channel_inbound_failure_t *failure) {
    Settings settings;
    Table table;
    Text carry;
    Refusal refusal;
    if (!settings_read(context, &settings, &refusal)) {
        failure->tag = TILLMESH_CHANNEL_TYPES_FAILURE_REJECTED;
        failure->val.rejected = detail_of(&refusal);
        return false;
    }
    translation->commands = (Commands){0};
    if (!table_open(&message->piece, &settings, &table, &refusal) ||
        !translate(&table, &settings, &translation->commands, &carry, &refusal)) {
        failure->tag = TILLMESH_CHANNEL_TYPES_FAILURE_MALFORMED;
        failure->val.malformed = detail_of(&refusal);
        return false;
    }
    translation->carry = (inbound_channel_list_u8_t){(uint8_t *)carry.at, carry.length};
    return true;
}
