#include "batch.hpp"

#include <simdjson.h>

#include <algorithm>

namespace startrail {

namespace {

constexpr size_t MOST_CELLS = 1 << 22;     // in one record and, but for its last record, in one batch
constexpr size_t MOST_UNDECLARED = 32;     // in one record; the judge has all the others
constexpr size_t MOST_KEPT = 1024;         // names in one batch
constexpr size_t LONGEST_EXTRA = 1 << 16;  // bytes of undeclared fields in one record

bool blank(const char* at, const char* end, bool csv) {
  if (csv) return at == end || (end - at == 1 && *at == '\r');
  return std::all_of(at, end, [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); });
}

Field own(Kind kind, const char* format) {
  Field made;
  made.kind = kind;
  made.format = format;
  return made;
}

bool eat_key(const char*& at, std::string_view quoted) { return quoted.size() <= PADDING && eat(at, quoted); }

}  // namespace

bool within(const Field& field, Wide value) {
  return !(field.has_low && value < field.low) && !(field.has_high && value > field.high);
}

bool within(const Field& field, std::string_view text) {
  if (!field.words.empty() && field.words.find(std::string(text)) == field.words.end()) return false;
  if (field.shortest < 0 && field.longest < 0) return true;
  const auto length = std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; });
  return length >= field.shortest && (field.longest < 0 || length <= field.longest);
}

Batch::Batch(const Plan& plan)
    : defaulted(plan.root.parts.size()), plan_(plan), ordinal_field_(own(Kind::int64, "l")), extra_field_(own(Kind::string, "u")), root_(plan.root),
      ordinals_(ordinal_field_), extras_(extra_field_), values_(plan.csv ? plan.csv->delimiter : ',', plan.csv ? plan.csv->quote : '"') {}

size_t Batch::read(const char* data, size_t size) {
  data_ = data;
  const char* at = data;
  const char* end = data + size;
  const bool valid = simdjson::validate_utf8(data, size);
  while (at < end && root_.rows() + refused.size() < plan_.most_rows && cells_ < MOST_CELLS) {
    const char* start = at;
    const size_t before = root_.rows(), cells = cells_;
    undeclared_.clear();
    inner_.clear();
    closed_ = plan_.closed;
    lacking_.clear();
    const bool text = valid || simdjson::validate_utf8(at, static_cast<const char*>(std::memchr(at, '\n', end - at + 1)) - at);
    if (text && (plan_.csv ? row(at) : record(at))) {
      ordinals_.add(++records);
      for (const size_t place : lacking_) ++defaulted[place];
      extra();
      if (!plan_.keys.empty()) remember(start, at - 1);
      ++lines;
      continue;
    }
    at = static_cast<const char*>(std::memchr(start, '\n', end - start + 1));
    root_.truncate(before);
    cells_ = cells;
    if (!blank(start, at, plan_.csv != nullptr)) refuse(start, at, text);
    root_.truncate(before);
    cells_ = cells;
    ++at;
    ++lines;
  }
  return std::min(static_cast<size_t>(at - data), size);
}

bool Batch::record(const char*& at) {
  const size_t cells = cells_;
  skip_space(at);
  if (!object(at, root_, nullptr) || cells_ - cells > MOST_CELLS) return false;
  skip_space(at);
  return *at++ == '\n';
}

// `frame` is null at the top.
bool Batch::object(const char*& at, Column& column, const Frame* frame) {
  const size_t row = column.rows();
  if (*at != '{') return false;
  ++at;
  cells_ += column.parts.size();
  if (cells_ > 2 * MOST_CELLS) return false;
  if (!eat(at, '}')) {
    size_t next = 0;  // most records have their fields in the order of the contract
    do {
      skip_space(at);
      if (next < column.parts.size() && eat_key(at, column.field.parts[next].quoted)) {
        Column& part = column.parts[next++];
        if (part.rows() != row || !eat(at, ':') || !value(at, part, frame, next)) return false;
        continue;
      }
      std::string_view key;
      if (!strings_.read(at, key)) return false;
      const auto place = column.field.places.find(key);
      if (place == column.field.places.end()) {
        const bool plain = key.data() + key.size() + 1 == at;  // it lies in the line itself, not in a scratch
        if (!plain || !(frame ? keep_inner(at, key, *frame) : keep(at, key))) return false;
        continue;
      }
      next = place->second + 1;
      Column& part = column.parts[place->second];
      if (part.rows() != row || !eat(at, ':') || !value(at, part, frame, next)) return false;
    } while (eat(at, ','));
    if (!eat(at, '}')) return false;
  }
  for (Column& part : column.parts) {
    if (part.rows() == row && !missing(part, static_cast<size_t>(&part - column.parts.data()), !frame)) return false;
  }
  column.add_parts();
  return true;
}

bool Batch::missing(Column& column, size_t place, bool top) {
  if (column.field.stops) return false;
  if (column.field.fallback.empty()) {
    if (column.field.required) return false;
    column.add_null();
    return true;
  }
  const char* at = column.field.fallback.data();
  if (!value(at, column, nullptr, 0)) return false;
  if (top) lacking_.push_back(place);
  return true;
}

// It stands in what `up` is the frame of, as its `index`-th field or item.
bool Batch::value(const char*& at, Column& column, const Frame* up, size_t index) {
  skip_space(at);
  const Field& field = column.field;
  if (*at == 'n') {
    if (field.required || !eat(at, std::string_view("null"))) return false;
    column.add_null();
    return true;
  }
  switch (field.kind) {
    case Kind::list: return list(at, column, {up, &field, index});
    case Kind::map: return map(at, column);
    case Kind::object: {
      const Frame frame = {up, &field, index};
      return object(at, column, &frame);
    }
    default: return scalar(at, column);
  }
}

bool Batch::scalar(const char*& at, Column& column) {
  const Field& field = column.field;
  if (*at == '"' && field.texts) {
    std::string_view written;
    if (!strings_.read(at, written)) return false;
    const char* digits = written.data();  // behind every string stands what is no part of a number
    return *digits != '"' && scalar(digits, column) && digits == written.data() + written.size();
  }
  int64_t number = 0;
  double real = 0;
  switch (field.kind) {
    case Kind::boolean: {
      const bool yes = *at == 't';
      if (!eat(at, std::string_view(yes ? "true" : "false"))) return false;
      column.add(yes);
      return true;
    }
    case Kind::int32:
      if (!whole(at, number) || number < INT32_MIN || number > INT32_MAX || (field.limited && !within(field, number))) return false;
      column.add(static_cast<int32_t>(number));
      return true;
    case Kind::int64:
      if (!whole(at, number) || (field.limited && !within(field, number))) return false;
      column.add(number);
      return true;
    case Kind::float64:
      if (!floating(at, uint64_t{1} << 53, real)) return false;
      column.add(real);
      return true;
    case Kind::float32: case Kind::float32_as_double:
      if (!floating(at, uint64_t{1} << 24, real) || !std::isfinite(static_cast<float>(real))) return false;
      if (field.kind == Kind::float32) column.add(static_cast<float>(real));
      else column.add(real);
      return true;
    case Kind::decimal: {
      std::string_view written;
      if (*at == '"') {
        if (!strings_.read(at, written)) return false;
      } else {
        const char* start = at;
        if (!skip_number(at)) return false;
        written = {start, static_cast<size_t>(at - start)};
      }
      Wide wide = 0;
      if (!fixed(written, field.precision, field.scale, wide) || (field.limited && !within(field, wide))) return false;
      if (field.precision <= 18) column.add(static_cast<int64_t>(wide));
      else column.add(wide);
      return true;
    }
    default: {
      std::string_view read;
      return strings_.read(at, read) && text(read, column);
    }
  }
}

bool Batch::text(std::string_view text, Column& column) {
  const Field& field = column.field;
  int32_t days = 0;
  int64_t micros = 0;
  switch (field.kind) {
    case Kind::date:
      if (!date(text, days)) return false;
      column.add(days);
      return true;
    case Kind::time:
      if (!time(text, micros)) return false;
      column.add(micros);
      return true;
    case Kind::timestamp: case Kind::timestamptz:
      if (!timestamp(text, field.kind == Kind::timestamptz, micros)) return false;
      column.add(micros);
      return true;
    case Kind::uuid: {
      unsigned char bytes[16];
      if (!uuid(text, bytes)) return false;
      column.add(bytes);
      return true;
    }
    case Kind::date_text:
      if (!date(text, days)) return false;
      break;
    case Kind::time_text:
      if (!time(text, micros)) return false;
      break;
    case Kind::timestamp_text: case Kind::timestamptz_text:
      if (!timestamp(text, field.kind == Kind::timestamptz_text, micros)) return false;
      break;
    default:
      if (field.limited && !within(field, text)) return false;
  }
  column.add(text);
  return true;
}

bool Batch::list(const char*& at, Column& column, const Frame& frame) {
  Column& items = column.parts[0];
  const size_t before = items.rows();
  if (*at != '[') return false;
  ++at;
  if (!eat(at, ']')) {
    do {
      if (++cells_ > 2 * MOST_CELLS || !value(at, items, &frame, items.rows() - before)) return false;
    } while (eat(at, ','));
    if (!eat(at, ']')) return false;
  }
  const auto count = static_cast<int64_t>(items.rows() - before);
  if (count < column.field.shortest || (column.field.longest >= 0 && count > column.field.longest)) return false;
  column.add_items();
  return true;
}

bool Batch::map(const char*& at, Column& column) {
  Keys keys;
  if (*at != '{') return false;
  ++at;
  ++closed_;  // a key of a map would be part of the path
  if (!eat(at, '}')) {
    do {
      skip_space(at);
      std::string_view key;
      if (++cells_ > 2 * MOST_CELLS || !strings_.read(at, key)) return false;
      column.parts[0].add(key);
      if (key.data() + key.size() + 1 != at || !keys.add(key)) return false;  // an escaped one is left to the judge
      if (!eat(at, ':') || !value(at, column.parts[1], nullptr, 0)) return false;
    } while (eat(at, ','));
    if (!eat(at, '}')) return false;
  }
  --closed_;
  column.add_items();
  return true;
}

bool Batch::keep(const char*& at, std::string_view name) {
  if (undeclared_.size() == MOST_UNDECLARED || plan_.closed || !plan_.strange(name) || !eat(at, ':')) return false;
  for (const Undeclared& other : undeclared_)
    if (other.name == name) return false;
  if (!inner_.empty() && name.find('.') != name.npos) return false;  // it might be told as one of those
  if (kept.size() >= MOST_KEPT && kept_places_.find(name) == kept_places_.end()) return false;
  skip_space(at);
  const char* start = at;
  if (!skip_value(at)) return false;
  undeclared_.push_back({name, {start, static_cast<size_t>(at - start)}});
  return at - undeclared_[0].name.data() < static_cast<std::ptrdiff_t>(LONGEST_EXTRA);
}

void Batch::extra() {
  if (!extra_.empty()) return extras_.add(std::string_view(extra_));
  if (undeclared_.empty() && inner_.empty()) return extras_.add_null();
  std::string text = extra_inner();
  for (const Undeclared& one : undeclared_) {
    text += text.empty() ? "{\"" : ",\"";
    text.append(one.name).append("\":").append(one.value);
    const auto [place, fresh] = kept_places_.emplace(one.name, kept.size());
    if (fresh) kept.push_back({0, records, one.name.data() - data_, static_cast<int64_t>(one.name.size()),
                               one.value.data() - data_, static_cast<int64_t>(one.value.size())});
    ++kept[place->second].rows;
  }
  extras_.add(std::string_view(text + "}"));
}

void Batch::remember(const char* start, const char* end) {
  places_.push_back({records, start - data_, end - start, lines, -1, 0, 0, 0});
  for (const auto& key : plan_.keys) {
    uint64_t sum = 1;
    for (const size_t place : key) {
      const uint64_t hash = root_.parts[place].hash();
      sum = hash && sum ? (sum ^ hash) * 0x9e3779b97f4a7c15 | 1 : 0;
    }
    hashes_.push_back(sum);
  }
}

void Batch::keep_first(Seen& seen) {
  constexpr int64_t LONGEST = 1 << 20;
  constexpr size_t AHEAD = 16;
  constexpr int64_t OUT = -(int64_t{1} << 62);  // as an ordinal, also with what number_from adds
  const size_t keys = plan_.keys.size();
  for (size_t row = 0; row < places_.size(); ++row) {
    if (row + AHEAD < places_.size())
      for (size_t key = 0; key < keys; ++key) seen.fetch(key, hashes_[(row + AHEAD) * keys + key]);
    bool fresh = true;
    for (size_t key = 0; key < keys; ++key)
      if (const uint64_t hash = hashes_[row * keys + key]) fresh = seen.add(key, hash) && fresh;
    if (fresh) continue;
    if (places_[row].size > LONGEST) {  // too much to be written twice; let it be found among all
      seen.whole = false;
      continue;
    }
    repeated.push_back(places_[row]);
    ordinals_.longs[row] = OUT;
  }
}

void Batch::number_from(int64_t base) {
  for (size_t i = 0; i < ordinals_.rows(); ++i) ordinals_.longs[i] += base;
}

void Batch::number_as(const int64_t* numbers) {
  for (size_t i = 0; i < ordinals_.rows(); ++i) ordinals_.longs[i] = numbers[ordinals_.longs[i] - 1];
}

namespace {

struct Root {
  std::shared_ptr<void> keeper;
  const void* buffers[1] = {};
  std::vector<ArrowArray> columns;
  std::vector<ArrowArray*> children;
};

void release(ArrowArray* array) {
  for (int64_t i = 0; i < array->n_children; ++i)
    if (array->children[i]->release) array->children[i]->release(array->children[i]);
  delete static_cast<Root*>(array->private_data);
  array->release = nullptr;
}

}  // namespace

void Batch::move_to(ArrowArray* out, const std::shared_ptr<void>& keeper) {
  auto root = std::make_unique<Root>();
  root->keeper = keeper;
  root->columns.resize(root_.parts.size() + 2);
  for (size_t i = 0; i < root_.parts.size(); ++i) root_.parts[i].move_to(&root->columns[i], keeper);
  ordinals_.move_to(&root->columns[root_.parts.size()], keeper);
  extras_.move_to(&root->columns[root_.parts.size() + 1], keeper);
  for (ArrowArray& column : root->columns) root->children.push_back(&column);
  Root* owned = root.release();
  *out = {static_cast<int64_t>(rows()), 0, 0, 1, static_cast<int64_t>(owned->children.size()), owned->buffers, owned->children.data(),
          nullptr, startrail::release, owned};
}

}  // namespace startrail
