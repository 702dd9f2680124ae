package till

import (
	"errors"
	"strings"
	"time"
)

// The largest offset that a time may state, in whole hours.
const maxStatedOffsetHours = 25

var (
	errNoTime   = errors.New("it must be a time such as 2026-11-28 17:05:00")
	errNoOffset = errors.New("it has no offset, and the channel's settings have no utc-offset")
	// What a node takes.
	earliest = time.UnixMicro(0)
	latest   = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
)

// moment reads a time as tills write them, `2026-11-28 17:05:00` and what ISO 8601 has besides, in microseconds since
// 1970. The usual offset counts where it states none; nil where there is no usual one.
func moment(text string, usualOffset *time.Duration) (int64, error) {
	scan := scanner{rest: text}
	local := scan.date()
	offset := usualOffset
	if scan.rest != "" {
		local = local.Add(scan.time())
		if stated := scan.offset(); stated != nil {
			offset = stated
		}
	}
	if scan.isBroken || scan.rest != "" {
		return 0, errNoTime
	}
	if offset == nil {
		return 0, errNoOffset
	}
	moment := local.Add(-*offset)
	if moment.Before(earliest) || moment.After(latest) {
		return 0, errNoTime
	}
	return moment.UnixMicro(), nil
}

// compact is a moment to the second, such as `20261127T143002Z`.
func compact(micros int64) string {
	return time.UnixMicro(micros).UTC().Format("20060102T150405Z")
}

// scanner reads a time from its beginning. Once something is not as it must be, it stays broken.
type scanner struct {
	rest     string
	isBroken bool
}

// date reads `2026-11-28` or `20261128`.
func (s *scanner) date() time.Time {
	year := s.digits(4)
	dashed := s.takes("-")
	month := s.digits(2)
	s.isBroken = s.isBroken || s.takes("-") != dashed
	day := s.digits(2)
	date := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	// A day that the month does not have becomes one of the next.
	s.isBroken = s.isBroken || date.Month() != time.Month(month) || date.Day() != day
	return date
}

// time reads hours, minutes, seconds and their fraction, as far as they are there. What has `:` between two of them has
// it between all.
func (s *scanner) time() time.Duration {
	s.isBroken = s.isBroken || !s.takes("Tt ")
	hours, minutes, seconds, micros := s.digits(2), 0, 0, 0
	coloned := s.takes(":")
	if coloned || s.isDigit() {
		minutes = s.digits(2)
		if (coloned && s.takes(":")) || (!coloned && s.isDigit()) {
			seconds = s.digits(2)
			micros = s.fraction()
		}
	}
	s.isBroken = s.isBroken || hours > 23 || minutes > 59 || seconds > 60
	// A leap second is the one before it.
	seconds = min(seconds, 59)
	return time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute +
		time.Duration(seconds)*time.Second + time.Duration(micros)*time.Microsecond
}

// fraction reads up to nine digits behind a point or a comma, and keeps six.
func (s *scanner) fraction() int {
	if !s.takes(".,") {
		return 0
	}
	digits := s.rest[:len(s.rest)-len(strings.TrimLeft(s.rest, "0123456789"))]
	s.isBroken = s.isBroken || digits == "" || len(digits) > 9
	s.rest = s.rest[len(digits):]
	return number((digits + "000000")[:6])
}

// offset reads `Z`, `+01`, `+0100` or `+01:00`; nil where there is none.
func (s *scanner) offset() *time.Duration {
	if s.takes("Zz") {
		return new(time.Duration)
	}
	if s.rest == "" {
		return nil
	}
	sign := s.rest[0]
	s.isBroken = s.isBroken || !s.takes("+-")
	hours, minutes := s.digits(2), 0
	if s.takes(":") || s.isDigit() {
		minutes = s.digits(2)
	}
	s.isBroken = s.isBroken || hours > maxStatedOffsetHours || minutes > 59
	offset := east(sign, hours, minutes)
	return &offset
}

// digits reads so many digits.
func (s *scanner) digits(count int) int {
	if len(s.rest) < count || !isDigits(s.rest[:count]) {
		s.isBroken = true
		return 0
	}
	value := number(s.rest[:count])
	s.rest = s.rest[count:]
	return value
}

// takes reads one of these characters, if it is there.
func (s *scanner) takes(chars string) bool {
	if s.rest == "" || strings.IndexByte(chars, s.rest[0]) < 0 {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

func (s *scanner) isDigit() bool {
	return s.rest != "" && isDigits(s.rest[:1])
}
