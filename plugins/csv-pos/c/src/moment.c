#include "moment.h"

// What a node takes: 1970 to the beginning of 9999, in microseconds.
static const int64_t latest = 253370764800000000;
static const int64_t micros_of_second = 1000000;
static const int64_t seconds_of_day = 86400;
static const int max_offset_hours = 25;

typedef struct {
    int64_t days;
    int64_t seconds;
    int64_t micros;
    bool has_offset;
    int64_t offset;
} Parts;

// Takes so many digits off the beginning of a text.
static bool take_digits(Text *text, size_t count, int64_t most, int64_t *number) {
    Text digits = {text->at, count};
    if (text->length < count || !are_digits(digits)) return false;
    *number = number_of(digits);
    *text = text_from(*text, count);
    return *number <= most;
}

static bool take(Text *text, char byte) {
    if (text->length == 0 || text->at[0] != byte) return false;
    *text = text_from(*text, 1);
    return true;
}

static bool take_any(Text *text, Text bytes) {
    return text->length > 0 && text_has(bytes, text->at[0]) && take(text, text->at[0]);
}

static bool is_day(int64_t year, int64_t month, int64_t day) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (month < 1 || month > 12 || day < 1) return false;
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day <= days[month - 1] + (month == 2 && is_leap);
}

// Days of the Gregorian calendar, in years that begin with March: then the leap day is the last.
static int64_t days_since_1970(int64_t year, int64_t month, int64_t day) {
    int64_t march_year = month > 2 ? year : year - 1;
    int64_t day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    // The years before the first have no rest here: only 0000 begins before it, and a node takes none of it.
    int64_t leap_days = march_year / 4 - march_year / 100 + march_year / 400;
    return march_year * 365 + leap_days + day_of_year - 719468;
}

// A date, with `-` between all of its parts or none.
static bool take_date(Text *text, Parts *parts) {
    int64_t year, month, day;
    if (!take_digits(text, 4, 9999, &year)) return false;
    bool is_extended = take(text, '-');
    if (!take_digits(text, 2, 12, &month)) return false;
    if (is_extended && !take(text, '-')) return false;
    if (!take_digits(text, 2, 31, &day)) return false;
    parts->days = days_since_1970(year, month, day);
    return is_day(year, month, day);
}

// The digits of a second behind its point.
static bool take_fraction(Text *text, Parts *parts) {
    int64_t digit, weight = micros_of_second / 10;
    for (int count = 0; count < 9 && text->length > 0 && is_digit(text->at[0]); count++, weight /= 10) {
        take_digits(text, 1, 9, &digit);
        parts->micros += digit * weight;
    }
    return true;
}

// Hours, then minutes, seconds and their fraction, as far as they are there, with `:` between all or none.
static bool take_time(Text *text, Parts *parts) {
    int64_t hours, minutes = 0, seconds = 0;
    if (!take_digits(text, 2, 23, &hours)) return false;
    bool is_extended = text->length > 0 && text->at[0] == ':';
    bool more = is_extended ? take(text, ':') : text->length > 0 && is_digit(text->at[0]);
    if (more && !take_digits(text, 2, 59, &minutes)) return false;
    more = more && (is_extended ? take(text, ':') : text->length > 0 && is_digit(text->at[0]));
    if (more && !take_digits(text, 2, 60, &seconds)) return false;
    // A leap second is the one before it.
    parts->seconds = hours * 3600 + minutes * 60 + (seconds == 60 ? 59 : seconds);
    if (!more || !take_any(text, TEXT(".,"))) return true;
    return text->length > 0 && is_digit(text->at[0]) && take_fraction(text, parts);
}

static bool take_offset(Text *text, Parts *parts) {
    parts->has_offset = text->length > 0;
    if (!parts->has_offset || take_any(text, TEXT("Zz"))) return true;
    char sign = text->at[0];
    int64_t hours, minutes = 0;
    if (!take_any(text, TEXT("+-")) || !take_digits(text, 2, max_offset_hours, &hours)) return false;
    if ((take(text, ':') || text->length > 0) && !take_digits(text, 2, 59, &minutes)) return false;
    parts->offset = (sign == '-' ? -1 : 1) * (hours * 60 + minutes);
    return true;
}

static bool read_parts(Text text, Parts *parts) {
    if (!take_date(&text, parts)) return false;
    if (text.length == 0) return true;
    return take_any(&text, TEXT("Tt ")) && take_time(&text, parts) && take_offset(&text, parts) && text.length == 0;
}

Rule moment_read(Text text, const Settings *settings, int64_t *micros) {
    Rule rule = TEXT("it must be a time such as 2026-11-28 17:05:00");
    Parts parts = {0};
    if (!read_parts(text, &parts)) return rule;
    if (!parts.has_offset && !settings->has_offset) {
        return TEXT("it has no offset, and the channel's settings have no utc-offset");
    }
    int64_t offset = parts.has_offset ? parts.offset : settings->offset;
    int64_t seconds = parts.days * seconds_of_day + parts.seconds - offset * 60;
    *micros = seconds * micros_of_second + parts.micros;
    return *micros < 0 || *micros > latest ? rule : NO_RULE;
}

// A number with zeros before it.
static Text padded(int64_t number, size_t digits) {
    char *text = kept(digits);
    for (size_t at = digits; at > 0; at--, number /= 10) text[at - 1] = (char)('0' + number % 10);
    return (Text){text, digits};
}

Text moment_compact(int64_t micros) {
    int64_t seconds = micros / micros_of_second;
    int64_t days = seconds / seconds_of_day, of_day = seconds % seconds_of_day;
    // Leap days make it a few years too late at most, which its first day tells.
    int64_t year = 1970 + days / 365;
    while (days_since_1970(year, 1, 1) > days) year--;
    int64_t month = 12;
    while (days_since_1970(year, month, 1) > days) month--;
    int64_t day = days - days_since_1970(year, month, 1) + 1;
    return JOINED(padded(year, 4), padded(month, 2), padded(day, 2), TEXT("T"), padded(of_day / 3600, 2),
                  padded(of_day / 60 % 60, 2), padded(of_day % 60, 2), TEXT("Z"));
}
