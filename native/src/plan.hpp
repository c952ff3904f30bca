// What is to be read: the fields of a contract, each with its kind and the limits that are looked at here.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "arrow.hpp"
#include "exact.hpp"

namespace startrail {

// The order is that of native/plan.py KINDS.
enum class Kind {
  boolean, int32, int64, float32, float64, float32_as_double, string, decimal, date, time, timestamp, timestamptz, uuid,
  date_text, time_text, timestamp_text, timestamptz_text, list, map, object,
};

struct Field {
  std::string name;    // its key in the data
  std::string quoted;  // the same between quotes
  std::string column;  // its name in the schema that is handed over
  std::string format;  // Arrow's
  std::string metadata;
  Kind kind = Kind::string;
  bool required = false;
  bool stops = false;    // a record without the field goes to the judge
  bool closed = false;   // an object with an undeclared field goes to the judge
  bool texts = false;    // a number may be written as a string
  bool left = false;     // of a value that is taken here, others look at more
  std::string fallback;  // what stands for a missing value, as a line of JSON; empty = null
  int precision = 0, scale = 0;
  bool limited = false;  // whether any of the following says something
  Wide low = 0, high = 0;
  bool has_low = false, has_high = false;
  int64_t shortest = -1, longest = -1;
  std::unordered_set<std::string> words;  // the allowed ones; none = all
  std::vector<std::string> nulls;         // texts that stand for null, in CSV
  std::vector<std::string> yes, no;       // texts that are true and false, in CSV
  std::vector<Field> parts;               // of an object; the item of a list; the value of a map
  std::unordered_map<std::string_view, size_t> places;  // of the parts, by name

  size_t cells() const;  // values in one row, lists counted as one
};

// Lines of CSV instead of JSON: where each column goes.
struct Columns {
  struct One {
    size_t place = 0;      // of the field
    bool declared = true;  // otherwise it is kept under
    std::string key;       // its name as JSON, with a colon
  };
  char delimiter = ',', quote = '"';
  std::vector<One> columns;
  std::vector<size_t> absent;  // fields that are in no column
};

struct Plan {
  Field root;                              // an object with the declared fields
  bool closed = false;                     // a record with an undeclared field goes to the judge
  bool apart = false;                      // of a refused record, tell which fields are doubtful
  std::unordered_set<std::string> spoken;  // names that could mean a declared field, in lower case
  size_t most_rows = 0;                    // in one batch
  std::unique_ptr<Columns> csv;
  std::vector<std::vector<size_t>> keys;   // groups of fields whose values may stand only once

  // Whether a name needs no escapes in JSON and is not too long to be told.
  static bool plain(std::string_view name);
  // Whether a field with this name certainly is an undeclared one, and its name stands for itself in JSON.
  bool strange(std::string_view name) const;
  // The declared columns, then the ordinal and the extra fields.
  void schema(ArrowSchema* out) const;
};

// From the JSON that native/plan.py writes. Throws std::runtime_error.
std::unique_ptr<const Plan> read_plan(std::string_view json);

}  // namespace startrail
