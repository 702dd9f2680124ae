#include "carry.h"

#include <string.h>

const size_t max_rest = 128 * 1024;
// How many receipts are remembered before those begin to be forgotten that came before them. A till that interrupts a
// receipt goes on with it sooner.
static const size_t generation = 20000;

// FNV-1a (RFC 9923). Two receipts of one hash cost no more than a number behind the second.
static uint64_t hash_of(Text name) {
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t at = 0; at < name.length; at++) hash = (hash ^ (unsigned char)name.at[at]) * 0x100000001b3;
    return hash;
}

// Where a hash is, or would be.
static size_t place_of(const Sorted *sorted, uint64_t hash) {
    size_t from = 0, to = sorted->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (sorted->at[middle].hash < hash) from = middle + 1;
        else to = middle;
    }
    return from;
}

static uint64_t times_of(const Sorted *sorted, uint64_t hash) {
    size_t place = place_of(sorted, hash);
    return place < sorted->count && sorted->at[place].hash == hash ? sorted->at[place].times : 0;
}

static void set_times(Sorted *sorted, uint64_t hash, uint64_t times) {
    size_t place = place_of(sorted, hash);
    if (place == sorted->count || sorted->at[place].hash != hash) {
        sorted->at = with_room(sorted->at, sorted->count, sizeof(Begun));
        memmove(sorted->at + place + 1, sorted->at + place, (sorted->count - place) * sizeof(Begun));
        sorted->count++;
    }
    sorted->at[place] = (Begun){hash, times};
}

// How often a receipt was begun in the calls before.
static uint64_t times_before(const Receipts *receipts, uint64_t hash) {
    uint64_t young = times_of(&receipts->young, hash);
    return young > 0 ? young : times_of(&receipts->old, hash);
}

uint64_t receipts_begin(Receipts *receipts, Text name) {
    uint64_t hash = hash_of(name), now = times_of(&receipts->now, hash);
    uint64_t times = (now > 0 ? now : times_before(receipts, hash)) + 1;
    set_times(&receipts->now, hash, times);
    return times;
}

void receipts_take_back(Receipts *receipts, Text name) {
    uint64_t hash = hash_of(name), times = times_of(&receipts->now, hash) - 1;
    // Where this call began it first, none of this call did.
    set_times(&receipts->now, hash, times > times_before(receipts, hash) ? times : 0);
}

// These and others, whose times count where both have a receipt.
static Sorted merged(const Sorted *one, const Sorted *other) {
    Sorted both = {kept((one->count + other->count) * sizeof(Begun)), 0};
    size_t mine = 0, theirs = 0;
    while (mine < one->count || theirs < other->count) {
        if (theirs < other->count && other->at[theirs].times == 0) {
            theirs++;
            continue;
        }
        bool is_theirs = mine == one->count || (theirs < other->count && other->at[theirs].hash <= one->at[mine].hash);
        if (is_theirs && mine < one->count && other->at[theirs].hash == one->at[mine].hash) mine++;
        Begun next = is_theirs ? other->at[theirs++] : one->at[mine++];
        both.at[both.count++] = next;
    }
    return both;
}

static Text bytes_of(const Sorted *sorted) {
    return (Text){(const char *)sorted->at, sorted->count * sizeof(Begun)};
}

static Sorted sorted_of(Text bytes) {
    Sorted sorted = {kept(bytes.length), bytes.length / sizeof(Begun)};
    if (bytes.length > 0) memcpy(sorted.at, bytes.at, bytes.length);
    return sorted;
}

Text carry_write(const Carry *carry) {
    Sorted old = carry->receipts.old, young = merged(&carry->receipts.young, &carry->receipts.now);
    if (young.count > generation) {
        old = young;
        young = (Sorted){NULL, 0};
    }
    Text lengths[] = {text_of_number(carry->rows), text_of_number(carry->names.length),
                      text_of_number(bytes_of(&old).length), text_of_number(bytes_of(&young).length)};
    Text space = TEXT(" ");
    Text head = JOINED(lengths[0], space, lengths[1], space, lengths[2], space, lengths[3], TEXT("\n"));
    return JOINED(head, carry->names, bytes_of(&old), bytes_of(&young), carry->rest);
}

// A number of the first line, and what is between it and the next.
static bool take_number(Text *text, char end, size_t *number) {
    Text digits = text_until(*text, end);
    if (digits.length == 0 || digits.length > 9 || digits.length == text->length || !are_digits(digits)) return false;
    *number = (size_t)number_of(digits);
    *text = text_from(*text, digits.length + 1);
    return true;
}

static bool take_bytes(Text *text, size_t count, Text *bytes) {
    if (count > text->length) return false;
    *bytes = (Text){text->at, count};
    *text = text_from(*text, count);
    return true;
}

bool carry_read(Text bytes, Carry *carry) {
    *carry = (Carry){0};
    if (bytes.length == 0) return true;
    size_t rows, lengths[3];
    Text old, young;
    if (!take_number(&bytes, ' ', &rows) || !take_number(&bytes, ' ', &lengths[0]) ||
        !take_number(&bytes, ' ', &lengths[1]) || !take_number(&bytes, '\n', &lengths[2]) ||
        !take_bytes(&bytes, lengths[0], &carry->names) || !take_bytes(&bytes, lengths[1], &old) ||
        !take_bytes(&bytes, lengths[2], &young)) {
        return false;
    }
    carry->rows = rows;
    carry->rest = bytes;
    carry->receipts = (Receipts){sorted_of(old), sorted_of(young), {0}};
    return old.length % sizeof(Begun) == 0 && young.length % sizeof(Begun) == 0;
}
