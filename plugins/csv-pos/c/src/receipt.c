#include "receipt.h"

#include "moment.h"

// The most lines of a sale that a node records. A longer receipt is several.
static const size_t max_lines = 500;

Text receipt_name_of(const Row *row) {
    Text slash = row->location.length > 0 ? TEXT("/") : TEXT("");
    return JOINED(row->location, slash, row->receipt, TEXT("@"), moment_compact(row->at));
}

bool receipt_takes(const Receipt *receipt, const Row *row) {
    if (receipt->count == 0 || receipt->count == max_lines) return false;
    const Row *first = receipt->rows;
    return text_is(first->receipt, row->receipt) && text_is(first->location, row->location);
}

void receipt_add(Receipt *receipt, const Row *row) {
    receipt->rows = with_room(receipt->rows, receipt->count, sizeof(Row));
    receipt->rows[receipt->count++] = *row;
}

static inbound_channel_string_t string(Text text) {
    return (inbound_channel_string_t){(uint8_t *)text.at, text.length};
}

static exports_tillmesh_channel_inbound_option_name_t optional(Text text) {
    return (exports_tillmesh_channel_inbound_option_name_t){text.length > 0, string(text)};
}

static Command *add_command(Commands *commands, uint8_t tag) {
    commands->ptr = with_room(commands->ptr, commands->len, sizeof(Command));
    Command *command = &commands->ptr[commands->len++];
    *command = (Command){.tag = tag};
    return command;
}

static tillmesh_channel_types_line_t line_of(const Row *row, Text currency) {
    uint8_t tag = row->what == CHARGED ? TILLMESH_CHANNEL_TYPES_LINE_CONTENT_CHARGE
                                       : TILLMESH_CHANNEL_TYPES_LINE_CONTENT_SKU;
    return (tillmesh_channel_types_line_t){
        .content = {.tag = tag, .val.sku = string(row->code)},
        .quantity = (uint64_t)row->units,
        .unit_price = {true, {row->price, {true, row->price_scale}, string(currency)}},
    };
}

static void add_sale(const Receipt *receipt, Text reference, Text currency, Commands *commands) {
    exports_tillmesh_channel_inbound_list_line_t lines = {kept(receipt->count * sizeof(*lines.ptr)), 0};
    for (size_t row = 0; row < receipt->count; row++) {
        const Row *own = &receipt->rows[row];
        if (own->what == SOLD || own->what == CHARGED) lines.ptr[lines.len++] = line_of(own, currency);
    }
    if (lines.len == 0) return;
    const Row *first = receipt->rows;
    add_command(commands, EXPORTS_TILLMESH_CHANNEL_INBOUND_COMMAND_RECORD_SALE)->val.record_sale =
        (exports_tillmesh_channel_inbound_record_sale_t){
            .reference = string(reference),
            .lines = lines,
            .customer_ref = {first->customer.length > 0, string(first->customer)},
            .currency = string(currency),
            .sold_at = first->at,
            .location = optional(first->location),
        };
}

static void add_return(const Receipt *receipt, Text reference, Commands *commands) {
    exports_tillmesh_channel_inbound_list_stock_line_t lines = {kept(receipt->count * sizeof(*lines.ptr)), 0};
    for (size_t row = 0; row < receipt->count; row++) {
        const Row *own = &receipt->rows[row];
        if (own->what != TAKEN_BACK) continue;
        lines.ptr[lines.len++] = (tillmesh_channel_types_stock_line_t){string(own->code), (uint64_t)own->units};
    }
    if (lines.len == 0) return;
    add_command(commands, EXPORTS_TILLMESH_CHANNEL_INBOUND_COMMAND_RECORD_RETURN)->val.record_return =
        (exports_tillmesh_channel_inbound_record_return_t){
            .reference = string(reference),
            .lines = lines,
            .returned_at = receipt->rows->at,
            .location = optional(receipt->rows->location),
        };
}

static void add_write_offs(const Receipt *receipt, Text reference, Commands *commands) {
    for (size_t row = 0; row < receipt->count; row++) {
        const Row *own = &receipt->rows[row];
        if (own->what != WRITTEN_OFF) continue;
        add_command(commands, EXPORTS_TILLMESH_CHANNEL_INBOUND_COMMAND_ADJUST_STOCK)->val.adjust_stock =
            (exports_tillmesh_channel_inbound_adjust_stock_t){
                .reference = string(reference),
                .sku = string(own->code),
                .change = -own->units,
                .adjusted_at = own->at,
                .location = optional(own->location),
            };
    }
}

void receipt_close(const Receipt *receipt, Text currency, Commands *commands) {
    if (receipt->count == 0) return;
    // A node takes what comes under one reference once. So what follows under a name that was there before has one of
    // its own.
    bool is_again = receipt->times > 1;
    Text reference = is_again ? JOINED(receipt->name, TEXT("#"), text_of_number(receipt->times)) : receipt->name;
    add_sale(receipt, reference, currency, commands);
    add_return(receipt, reference, commands);
    add_write_offs(receipt, reference, commands);
}
