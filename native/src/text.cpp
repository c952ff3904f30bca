#include "text.hpp"

namespace startrail {

namespace {

bool hex4(const char* at, uint32_t& value) {
  value = 0;
  for (int i = 0; i < 4; ++i) {
    const char c = at[i];
    const uint32_t digit = is_digit(c) ? c - '0' : (c >= 'a' && c <= 'f') ? c - 'a' + 10 : (c >= 'A' && c <= 'F') ? c - 'A' + 10 : 16;
    if (digit == 16) return false;
    value = value << 4 | digit;
  }
  return true;
}

void append_utf8(std::string& out, uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xe0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | code >> 18);
    out += static_cast<char>(0x80 | (code >> 12 & 0x3f));
    out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  }
}

// The character whose escape stands at `at`, behind the backslash and the u. False for NUL and half of a pair.
bool unescape_unicode(const char*& at, uint32_t& code) {
  if (!hex4(at, code) || code == 0) return false;
  at += 4;
  if (code >= 0xd800 && code < 0xe000) {
    uint32_t low = 0;
    if (code >= 0xdc00 || at[0] != '\\' || at[1] != 'u' || !hex4(at + 2, low) || low < 0xdc00 || low >= 0xe000) return false;
    at += 6;
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  }
  return true;
}

bool skip_string(const char*& at) {
  for (++at;;) {
    at = find_special(at);
    if (*at == '"') return ++at, true;
    if (*at != '\\') return false;
    at += 2;
    if (uint32_t code = 0; at[-1] == 'u' ? !unescape_unicode(at, code) : std::memchr("\"\\/bfnrt", at[-1], 8) == nullptr) return false;
  }
}

bool skip_object(const char*& at, int depth) {
  Keys keys;
  ++at;
  if (eat(at, '}')) return true;
  do {
    skip_space(at);
    const char* key = at;
    if (*at != '"' || !skip_string(at)) return false;
    const std::string_view text(key, static_cast<size_t>(at - key));
    if (text.find('\\') != text.npos || !keys.add(text)) return false;
    if (!eat(at, ':') || !skip_value(at, depth + 1)) return false;
  } while (eat(at, ','));
  return eat(at, '}');
}

bool skip_array(const char*& at, int depth) {
  ++at;
  if (eat(at, ']')) return true;
  do {
    if (!skip_value(at, depth + 1)) return false;
  } while (eat(at, ','));
  return eat(at, ']');
}

}  // namespace

bool skip_value(const char*& at, int depth) {
  if (depth > DEEPEST) return false;
  skip_space(at);
  switch (*at) {
    case '"': return skip_string(at);
    case '{': return skip_object(at, depth);
    case '[': return skip_array(at, depth);
    case 't': return eat(at, std::string_view("true"));
    case 'f': return eat(at, std::string_view("false"));
    case 'n': return eat(at, std::string_view("null"));
    default: return skip_number(at);
  }
}

bool Strings::unescape(const char*& at, std::string_view& text) {
  scratch_.clear();
  const char* from = at + 1;
  for (;;) {
    const char* end = find_special(from);
    scratch_.append(from, end);
    if (*end == '"') {
      at = end + 1;
      text = scratch_;
      return true;
    }
    if (*end != '\\') return false;
    from = end + 2;
    switch (end[1]) {
      case '"': case '\\': case '/': scratch_ += end[1]; break;
      case 'b': scratch_ += '\b'; break;
      case 'f': scratch_ += '\f'; break;
      case 'n': scratch_ += '\n'; break;
      case 'r': scratch_ += '\r'; break;
      case 't': scratch_ += '\t'; break;
      case 'u': {
        uint32_t code = 0;
        if (!unescape_unicode(from, code)) return false;
        append_utf8(scratch_, code);
        break;
      }
      default: return false;
    }
  }
}

}  // namespace startrail
