// CSV by bytes: which lines certainly are records of their own, and the values that stand in one.
#pragma once

#include "text.hpp"

namespace startrail {

constexpr size_t LONGEST_LINE = 1 << 20;  // bytes; the strict reader has longer ones

struct Certain {  // startrail_certain
  int64_t bytes, lines, records;
};

// How far the lines at `data`, of which the last one ends as well, certainly are one record each, or blank: whatever
// is quoted is a whole value and ends in its line, and nothing else could end a line or a text.
Certain certain_lines(const char* data, size_t size, char delimiter, char quote);

class Values {
 public:
  Values(char delimiter, char quote) : delimiter_(delimiter), quote_(quote) {}

  // The value at `at`, which moves behind it. The text may lie in a scratch that the next call overwrites. False for
  // what certain_lines would not let pass.
  bool read(const char*& at, std::string_view& text);

 private:
  char delimiter_, quote_;
  std::string scratch_;

  const char* plain_end(const char* at) const;
};

// As a string of JSON.
void add_json(std::string& out, std::string_view text);

}  // namespace startrail
