// Walking over the bytes of one JSON line. Every line ends with a line feed, which no token may contain, so the
// walk needs no other bound; behind the last one there are PADDING bytes that may be loaded but mean nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace startrail {

constexpr size_t PADDING = 64;
constexpr int DEEPEST = 64;  // levels of an undeclared value; the judge decides about deeper ones

inline void skip_space(const char*& at) {
  while (*at == ' ' || *at == '\t' || *at == '\r') ++at;
}

inline bool eat(const char*& at, char wanted) {
  skip_space(at);
  if (*at != wanted) return false;
  ++at;
  return true;
}

inline bool eat(const char*& at, std::string_view word) {
  if (std::memcmp(at, word.data(), word.size()) != 0) return false;
  at += word.size();
  return true;
}

inline bool is_digit(char c) { return static_cast<unsigned char>(c - '0') < 10; }

// The first quote, backslash or control character.
inline const char* find_special(const char* at) {
#ifdef __SSE2__
  const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\'), control = _mm_set1_epi8(0x1f);
  for (;; at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i found = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, slash)),
                                       _mm_cmpeq_epi8(_mm_min_epu8(bytes, control), bytes));
    if (const int mask = _mm_movemask_epi8(found)) return at + __builtin_ctz(static_cast<unsigned>(mask));
  }
#else
  while (*at != '"' && *at != '\\' && static_cast<unsigned char>(*at) >= 0x20) ++at;
  return at;
#endif
}

class Strings {
 public:
  // `at` stands on the opening quote. The text may lie in a scratch that the next call overwrites. False for what is
  // no string, and for text with NUL or half of a surrogate pair.
  bool read(const char*& at, std::string_view& text) {
    if (*at != '"') return false;
    const char* end = find_special(at + 1);
    if (*end != '"') return *end == '\\' && unescape(at, text);
    text = {at + 1, static_cast<size_t>(end - at - 1)};
    at = end + 1;
    return true;
  }

 private:
  std::string scratch_;

  bool unescape(const char*& at, std::string_view& text);
};

// Remembers the keys of one object; false for one that was there before.
class Keys {
 public:
  bool add(std::string_view key) {
    if (few_.size() < 16) {
      for (const auto& seen : few_)
        if (seen == key) return false;
      few_.push_back(key);
      return true;
    }
    if (many_.empty()) many_.insert(few_.begin(), few_.end());
    return many_.insert(key).second;
  }
  void clear() {
    few_.clear();
    many_.clear();
  }

 private:
  std::vector<std::string_view> few_;
  std::unordered_set<std::string_view> many_;
};

// Pass over a number in JSON's grammar.
inline bool skip_number(const char*& at) {
  if (*at == '-') ++at;
  if (*at == '0') ++at;
  else if (is_digit(*at)) while (is_digit(*at)) ++at;
  else return false;
  if (*at == '.') {
    if (!is_digit(*++at)) return false;
    while (is_digit(*at)) ++at;
  }
  if (*at == 'e' || *at == 'E') {
    if (*++at == '+' || *at == '-') ++at;
    if (!is_digit(*at)) return false;
    while (is_digit(*at)) ++at;
  }
  return true;
}

// Pass over a value that is kept as it stands. False for what is not JSON, says a key twice, or is better left to
// the judge: keys with escapes, NUL, halves of surrogate pairs, and what is nested more deeply than DEEPEST.
bool skip_value(const char*& at, int depth = 0);

}  // namespace startrail
