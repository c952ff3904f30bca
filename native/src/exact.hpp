// Text to values, exactly or not at all: the same rules as startrail.capabilities.contracts.exact. What is not
// certain is false, and the judge decides.
#pragma once

#include <charconv>
#include <cmath>
#include <cstdint>
#include <string_view>

#include "text.hpp"

namespace startrail {

using Wide = __int128;

// A whole number that stands at `at`, without exponent, and with nothing but zeros behind a point.
inline bool whole(const char*& at, int64_t& value) {
  const bool negative = *at == '-';
  const char* digits = at + negative;
  if (!is_digit(*digits) || (*digits == '0' && is_digit(digits[1]))) return false;
  uint64_t sum = 0;
  const char* end = digits;
  for (; is_digit(*end); ++end) sum = sum * 10 + static_cast<uint64_t>(*end - '0');
  if (end - digits > 19 || sum > static_cast<uint64_t>(INT64_MAX) + negative) return false;
  if (*end == '.') {
    const char* zeros = ++end;
    while (*end == '0') ++end;
    if (end == zeros || end - zeros > 300 || is_digit(*end)) return false;
  }
  if (*end == 'e' || *end == 'E') return false;
  value = static_cast<int64_t>(negative ? 0 - sum : sum);
  at = end;
  return true;
}

// A number as the nearest double; one without point and exponent must be at most `largest` in size.
inline bool floating(const char*& at, uint64_t largest, double& value) {
  static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                  1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  const char* from = at;
  const bool negative = *at == '-';
  const char* digits = at + negative;
  uint64_t sum = 0;
  const char* end = digits;
  for (; is_digit(*end); ++end) sum = sum * 10 + static_cast<uint64_t>(*end - '0');
  const auto before = end - digits;
  if (before == 0 || (*digits == '0' && before > 1)) return false;
  const bool simple = *end != '.' && *end != 'e' && *end != 'E';
  if (simple && (before > 18 || sum > largest)) return false;
  long after = 0;
  if (*end == '.') {
    const char* fraction = ++end;
    for (; is_digit(*end); ++end) sum = sum * 10 + static_cast<uint64_t>(*end - '0');
    after = end - fraction;
    if (after == 0) return false;
  }
  if (*end != 'e' && *end != 'E' && before + after <= 18 && sum <= (uint64_t{1} << 53)) {
    const double size = static_cast<double>(sum) / powers[after];  // both are exact, so the quotient is the nearest
    value = negative ? -size : size;
    at = end;
    return true;
  }
  at = from;
  if (!skip_number(at)) return false;
  const auto read = std::from_chars(from, at, value);
  return read.ec == std::errc() && read.ptr == at && std::isfinite(value);
}

// A decimal of the given precision and scale, as a whole number of its last digit.
inline bool fixed(std::string_view text, int precision, int scale, Wide& value) {
  if (text.empty() || text.size() > 100) return false;
  const char* at = text.data();
  const char* end = at + text.size();
  const bool negative = *at == '-';
  at += negative;
  const char* first = at;
  uint64_t low = 0;  // as long as it cannot overflow, 64 bits are four times as fast
  Wide high = 0;
  int digits = 0;
  const auto take = [&](char c) {
    if (++digits <= 18) low = low * 10 + static_cast<uint64_t>(c - '0');
    else high = (digits == 19 ? static_cast<Wide>(low) : high) * 10 + (c - '0');
  };
  for (; at < end && is_digit(*at); ++at) {
    if (digits == 38) return false;
    take(*at);
  }
  const auto before = at - first;
  if (before == 0 || (*first == '0' && before > 1) || (*first != '0' && before > precision - scale)) return false;
  int after = 0;
  if (at < end) {
    if (*at++ != '.' || at == end) return false;
    for (; at < end && is_digit(*at); ++at, ++after) {
      if (after >= scale) {
        if (*at != '0') return false;
      } else if (digits == 39) {
        return false;
      } else {
        take(*at);
      }
    }
    if (at != end) return false;
  }
  for (; after < scale; ++after) {
    if (digits == 39) return false;
    take('0');
  }
  const Wide size = digits <= 18 ? static_cast<Wide>(low) : high;
  value = negative ? -size : size;
  return true;
}

inline int two(const char* at) { return is_digit(at[0]) && is_digit(at[1]) ? (at[0] - '0') * 10 + (at[1] - '0') : -1; }

// Days since 1970 of "2026-10-03" at `at`. Algorithm: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
inline bool day(const char* at, int32_t& days) {
  const int century = two(at), rest = two(at + 2), month = two(at + 5), date = two(at + 8);
  if (century < 0 || rest < 0 || at[4] != '-' || at[7] != '-' || month < 1 || month > 12 || date < 1) return false;
  const int year = century * 100 + rest;
  static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  if (year < 1 || date > lengths[month - 1] + (month == 2 && leap)) return false;
  const int y = year - (month <= 2);
  const int era = y / 400, of_era = y % 400;
  const int of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + date - 1;
  days = era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
  return true;
}

// Microseconds of "14:05:00" with up to six digits of fraction at `at`, which moves behind them.
inline bool clock(const char*& at, const char* end, int64_t& micros) {
  if (end - at < 8) return false;
  const int hour = two(at), minute = two(at + 3), second = two(at + 6);
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 || at[2] != ':' || at[5] != ':') return false;
  at += 8;
  int64_t fraction = 0;
  if (at < end && *at == '.') {
    int digits = 0;
    for (++at; at < end && is_digit(*at) && digits < 7; ++at, ++digits) fraction = fraction * 10 + (*at - '0');
    if (digits == 0 || digits > 6) return false;
    for (; digits < 6; ++digits) fraction *= 10;
  }
  micros = ((hour * 60 + minute) * int64_t{60} + second) * 1000000 + fraction;
  return true;
}

inline bool date(std::string_view text, int32_t& days) { return text.size() == 10 && day(text.data(), days); }

inline bool time(std::string_view text, int64_t& micros) {
  const char* at = text.data();
  const char* end = at + text.size();
  return clock(at, end, micros) && at == end;
}

// Microseconds since 1970; the first and last days of the calendar are left to the judge.
inline bool timestamp(std::string_view text, bool zoned, int64_t& micros) {
  if (text.size() < 19) return false;
  const char* at = text.data() + 11;
  const char* end = text.data() + text.size();
  const char between = text[10];
  int32_t days = 0;
  int64_t of_day = 0;
  if ((between != 'T' && between != ' ' && between != 't') || !day(text.data(), days) || !clock(at, end, of_day)) return false;
  if (days < -719160 || days > 2932890) return false;
  micros = days * int64_t{86400000000} + of_day;
  if (!zoned) return at == end;
  if (end - at == 1) return *at == 'Z' || *at == 'z';
  if (end - at != 6 || (*at != '+' && *at != '-') || at[3] != ':') return false;
  const int hours = two(at + 1), minutes = two(at + 4);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return false;
  const int64_t offset = (hours * 60 + minutes) * int64_t{60000000};
  micros += *at == '+' ? -offset : offset;
  return true;
}

inline bool uuid(std::string_view text, unsigned char* bytes) {
  if (text.size() != 36) return false;
  int nibbles = 0;
  for (size_t i = 0; i < 36; ++i) {
    const char c = text[i];
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (c != '-') return false;
      continue;
    }
    const int digit = is_digit(c) ? c - '0' : (c >= 'a' && c <= 'f') ? c - 'a' + 10 : (c >= 'A' && c <= 'F') ? c - 'A' + 10 : -1;
    if (digit < 0) return false;
    bytes[nibbles / 2] = static_cast<unsigned char>(nibbles % 2 ? bytes[nibbles / 2] | digit : digit << 4);
    ++nibbles;
  }
  return true;
}

}  // namespace startrail
