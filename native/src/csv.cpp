#include "csv.hpp"

namespace startrail {

namespace {

// The first quote, line end or NUL; null when there is none before `end`.
const char* find_mark(const char* at, const char* end, char quote) {
#ifdef __SSE2__
  const __m128i quotes = _mm_set1_epi8(quote), feeds = _mm_set1_epi8('\n'), returns = _mm_set1_epi8('\r'), nuls = _mm_setzero_si128();
  for (; end - at >= 16; at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i found = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, quotes), _mm_cmpeq_epi8(bytes, feeds)),
                                       _mm_or_si128(_mm_cmpeq_epi8(bytes, returns), _mm_cmpeq_epi8(bytes, nuls)));
    if (const int mask = _mm_movemask_epi8(found)) return at + __builtin_ctz(static_cast<unsigned>(mask));
  }
#endif
  for (; at < end; ++at)
    if (*at == quote || *at == '\n' || *at == '\r' || *at == '\0') return at;
  return nullptr;
}

// Behind the value whose opening quote stands at `at`; null when it does not end in its line, or goes on behind a quote.
const char* quoted_end(const char* at, const char* end, char delimiter, char quote) {
  for (++at; (at = find_mark(at, end, quote)) && *at == quote; at += 2) {
    if (at + 1 == end) return nullptr;
    if (at[1] == delimiter || at[1] == '\n' || at[1] == '\r') return at + 1;
    if (at[1] != quote) return nullptr;
  }
  return nullptr;
}

}  // namespace

Certain certain_lines(const char* data, size_t size, char delimiter, char quote) {
  Certain found = {};
  const char* end = data + size;
  const char* start = data;
  const char* at = data;
  while ((at = find_mark(at, end, quote))) {
    if (*at == '\n') {
      if (static_cast<size_t>(at - start) > LONGEST_LINE) break;
      const bool blank = at == start || (at == start + 1 && *start == '\r');
      start = ++at;
      found.bytes = start - data;
      ++found.lines;
      found.records += !blank;
    } else if (*at == '\r') {
      if (++at == end || *at != '\n') break;
    } else if (*at == '\0' || (at != start && at[-1] != delimiter) || !(at = quoted_end(at, end, delimiter, quote))) {
      break;
    }
  }
  return found;
}

const char* Values::plain_end(const char* at) const {
#ifdef __SSE2__
  const __m128i quotes = _mm_set1_epi8(quote_), delimiters = _mm_set1_epi8(delimiter_), feeds = _mm_set1_epi8('\n');
  const __m128i returns = _mm_set1_epi8('\r'), nuls = _mm_setzero_si128();
  for (;; at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i ends = _mm_or_si128(_mm_cmpeq_epi8(bytes, feeds), _mm_cmpeq_epi8(bytes, returns));
    const __m128i found = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, quotes), _mm_cmpeq_epi8(bytes, delimiters)),
                                       _mm_or_si128(ends, _mm_cmpeq_epi8(bytes, nuls)));
    if (const int mask = _mm_movemask_epi8(found)) return at + __builtin_ctz(static_cast<unsigned>(mask));
  }
#else
  while (*at != quote_ && *at != delimiter_ && *at != '\n' && *at != '\r' && *at != '\0') ++at;
  return at;
#endif
}

bool Values::read(const char*& at, std::string_view& text) {
  if (*at != quote_) {
    const char* end = plain_end(at);
    text = {at, static_cast<size_t>(end - at)};
    at = end;
    return *end != quote_ && *end != '\0';
  }
  const char* start = ++at;
  bool doubled = false;
  for (;; ++at) {
    if (*at == '\n' || *at == '\r' || *at == '\0') return false;
    if (*at != quote_) continue;
    if (at[1] != quote_) break;
    if (!doubled) scratch_.clear();
    doubled = true;
    scratch_.append(start, ++at);  // with the first of both quotes
    start = at + 1;
  }
  if (doubled) text = scratch_.append(start, at);
  else text = {start, static_cast<size_t>(at - start)};
  ++at;
  return *at == delimiter_ || *at == '\n' || *at == '\r';
}

void add_json(std::string& out, std::string_view text) {
  static const char digits[] = "0123456789abcdef", shorts[] = "\b\f\n\r\t";
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (const char* found = c ? std::strchr(shorts, c) : nullptr) {
      out += '\\';
      out += "bfnrt"[found - shorts];
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out.append("\\u00").append(1, digits[c >> 4]).append(1, digits[c & 15]);
    } else {
      out += c;
    }
  }
  out += '"';
}

}  // namespace startrail
