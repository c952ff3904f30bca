// Refused records taken apart: which of their fields are doubtful. The judge then looks at these alone, so a record is
// taken apart only where all of it is JSON in which no key stands twice, or a line with as many values as columns.
#include <algorithm>

#include "batch.hpp"

namespace startrail {

namespace {

constexpr size_t LONGEST = 1 << 16;       // bytes of a record that is taken apart, and of what is doubtful of it
constexpr size_t MOST = 1 << 23;          // bytes of all that is doubtful in one batch
constexpr size_t MOST_UNDECLARED = 32;    // in one record

}  // namespace

void Batch::refuse(const char* start, const char* end, bool text) {
  Refused one;
  one.ordinal = ++records;
  one.offset = start - data_;
  one.size = end - start;
  one.line = lines;
  if (plan_.apart && text && static_cast<size_t>(end - start) <= LONGEST && doubtful.size() <= MOST) {
    const size_t before = doubtful.size(), first = doubts.size();
    closed_ = 1;  // an undeclared field inside an object makes its field doubtful
    met_.assign(root_.parts.size(), Met::nothing);
    doubtful += '{';
    if ((plan_.csv ? row_apart(start) : record_apart(start)) && doubtful.size() - before <= LONGEST) {
      if (doubtful.back() == ',') doubtful.pop_back();
      doubtful += '}';
      for (size_t place = 0; place < met_.size(); ++place)
        if (met_[place] == Met::doubtful) doubts.push_back(static_cast<int64_t>(place));
      one.doubts = static_cast<int64_t>(doubts.size() - first);
      one.doubt = static_cast<int64_t>(first);
      one.text = static_cast<int64_t>(before);
      one.text_size = static_cast<int64_t>(doubtful.size() - before);
    } else {
      doubtful.resize(before);
    }
  }
  refused.push_back(one);
}

bool Batch::record_apart(const char* at) {
  std::vector<std::string_view> undeclared;
  strange_.clear();
  skip_space(at);
  if (*at != '{') return false;
  ++at;
  if (!eat(at, '}')) {
    do {
      skip_space(at);
      const char* start = at;
      std::string_view key;
      if (!strings_.read(at, key)) return false;
      const auto found = plan_.root.places.find(key);
      if (found == plan_.root.places.end()) {
        const bool plain = key.data() + key.size() + 1 == at;
        if (!plain || undeclared.size() == MOST_UNDECLARED || !plan_.strange(key)) return false;
        if (std::find(undeclared.begin(), undeclared.end(), key) != undeclared.end()) return false;
        undeclared.push_back(key);
        if (!eat(at, ':') || !skip_value(at)) return false;
        strange_.append(start, at).append(1, ',');
        continue;
      }
      if (met_[found->second] != Met::nothing || !eat(at, ':') || !doubt(at, found->second)) return false;
      if (met_[found->second] == Met::doubtful) doubtful.append(start, at).append(1, ',');
    } while (eat(at, ','));
    if (!eat(at, '}')) return false;
  }
  skip_space(at);
  if (*at != '\n') return false;
  doubtful += strange_;
  for (size_t place = 0; place < met_.size(); ++place) {
    const Field& field = plan_.root.parts[place];
    if (met_[place] == Met::nothing && (field.required || field.stops || !field.fallback.empty())) met_[place] = Met::doubtful;
  }
  return true;
}

// Of the value at `at`, which moves behind it. False for what is not certainly JSON.
bool Batch::doubt(const char*& at, size_t place) {
  skip_space(at);
  const char* start = at;
  Column& column = root_.parts[place];
  const size_t rows = column.rows();
  const bool fine = value(at, column, nullptr, 0);
  column.truncate(rows);
  met_[place] = fine && !column.field.left ? Met::fine : Met::doubtful;
  if (fine) return true;
  at = start;
  return skip_value(at);
}

bool Batch::row_apart(const char* at) {
  const Columns& csv = *plan_.csv;
  std::string_view text;
  for (size_t i = 0; i < csv.columns.size(); ++i) {
    if ((i && *at++ != csv.delimiter) || !values_.read(at, text)) return false;
    const Columns::One& one = csv.columns[i];
    if (!one.declared) continue;
    Column& column = root_.parts[one.place];
    const size_t rows = column.rows();
    const bool fine = cell(text, column) && !column.field.left;
    column.truncate(rows);
    met_[one.place] = fine ? Met::fine : Met::doubtful;
    if (fine) continue;
    doubtful += one.key;
    add_json(doubtful, text);
    doubtful += ',';
  }
  if (*at == '\r') ++at;
  return *at == '\n';
}

}  // namespace startrail
