#include "plan.hpp"

#include <simdjson.h>

#include <algorithm>
#include <stdexcept>

namespace startrail {

namespace {

using simdjson::dom::element;

Wide wide(std::string_view text) {
  Wide value = 0;
  if (!fixed(text, 38, 0, value)) throw std::runtime_error("a bound is no whole number");
  return value;
}

// Key-value metadata as the Arrow C data interface writes it.
std::string metadata(std::string_view key, std::string_view value) {
  std::string out;
  const auto number = [&](size_t size) {
    const auto narrow = static_cast<int32_t>(size);
    out.append(reinterpret_cast<const char*>(&narrow), sizeof narrow);
  };
  number(1);
  number(key.size());
  out += key;
  number(value.size());
  out += value;
  return out;
}

std::string format(const Field& field) {
  switch (field.kind) {
    case Kind::boolean: return "b";
    case Kind::int32: return "i";
    case Kind::int64: return "l";
    case Kind::float32: return "f";
    case Kind::float64: case Kind::float32_as_double: return "g";
    case Kind::decimal: return "d:" + std::to_string(field.precision) + "," + std::to_string(field.scale) + (field.precision <= 18 ? ",64" : "");
    case Kind::date: return "tdD";
    case Kind::time: return "ttu";
    case Kind::timestamp: return "tsu:";
    case Kind::timestamptz: return "tsu:UTC";
    case Kind::uuid: return "w:16";
    case Kind::list: return "+l";
    case Kind::map: return "+m";
    case Kind::object: return "+s";
    default: return "u";
  }
}

// A copy, since what simdjson gives to a range-for would be gone in the loop.
std::vector<element> items(simdjson::simdjson_result<element> from) {
  const simdjson::dom::array array = from.get_array().value();
  std::vector<element> found;
  for (element item : array) found.push_back(item);
  return found;
}

void texts(element from, const char* key, std::vector<std::string>& to) {
  simdjson::dom::array array;
  if (from[key].get(array) != simdjson::SUCCESS) return;
  for (element item : array) to.emplace_back(item.get_string().value());
}

std::unique_ptr<Columns> csv(element from, size_t fields) {
  auto made = std::make_unique<Columns>();
  made->delimiter = from["delimiter"].get_string().value().at(0);
  made->quote = from["quote"].get_string().value().at(0);
  std::vector<bool> there(fields);
  for (element item : items(from["columns"])) {
    Columns::One one;
    const int64_t place = item["place"].get_int64().value();
    one.declared = place >= 0;
    one.place = one.declared ? static_cast<size_t>(place) : 0;
    if (one.declared && (one.place >= fields || there[one.place])) throw std::runtime_error("a column has no field of its own");
    if (one.declared) there[one.place] = true;
    one.key = std::string(item["key"].get_string().value());
    made->columns.push_back(std::move(one));
  }
  if (made->columns.empty()) throw std::runtime_error("there are no columns");
  for (size_t place = 0; place < fields; ++place)
    if (!there[place]) made->absent.push_back(place);
  return made;
}

Field field(element from) {
  Field made;
  made.name = std::string(from["name"].get_string().value());
  made.quoted = made.name.find_first_of("\"\\") == std::string::npos ? '"' + made.name + '"' : "\n";  // or what no key is
  made.column = std::string(from["column"].get_string().value());
  made.kind = static_cast<Kind>(from["kind"].get_int64().value());
  made.required = from["required"].get_bool().value();
  made.stops = from["stops"].get_bool().value();
  made.left = from["left"].get_bool().value();
  made.texts = from["texts"].get_bool().value();
  made.closed = from["closed"].get_bool().value();
  std::string_view fallback;
  if (from["fallback"].get(fallback) == simdjson::SUCCESS) made.fallback = std::string(fallback) + "\n" + std::string(PADDING, ' ');
  made.precision = static_cast<int>(from["precision"].get_int64().value());
  made.scale = static_cast<int>(from["scale"].get_int64().value());
  std::string_view bound;
  if (from["low"].get(bound) == simdjson::SUCCESS) made.low = wide(bound), made.has_low = true;
  if (from["high"].get(bound) == simdjson::SUCCESS) made.high = wide(bound), made.has_high = true;
  int64_t length;
  if (from["shortest"].get(length) == simdjson::SUCCESS) made.shortest = length;
  if (from["longest"].get(length) == simdjson::SUCCESS) made.longest = length;
  for (element word : items(from["words"])) made.words.emplace(word.get_string().value());
  texts(from, "nulls", made.nulls);
  texts(from, "yes", made.yes);
  texts(from, "no", made.no);
  for (element part : items(from["parts"])) made.parts.push_back(field(part));
  made.limited = made.has_low || made.has_high || made.shortest >= 0 || made.longest >= 0 || !made.words.empty();
  made.format = format(made);
  if (made.kind == Kind::uuid) made.metadata = metadata("ARROW:extension:name", "arrow.uuid");
  return made;
}

void place(Field& field) {
  if (field.kind == Kind::object)
    for (size_t i = 0; i < field.parts.size(); ++i) field.places[field.parts[i].name] = i;
  for (Field& part : field.parts) place(part);
}

void release(ArrowSchema* schema) {
  for (int64_t i = 0; i < schema->n_children; ++i) {
    if (schema->children[i]->release) schema->children[i]->release(schema->children[i]);
    delete schema->children[i];
  }
  delete[] schema->children;
  schema->release = nullptr;
}

// Names and formats are the plan's, which lives longer than every schema.
void fill(ArrowSchema* out, const char* format, const char* name, int64_t flags, size_t children) {
  *out = {format, name, nullptr, flags, static_cast<int64_t>(children), nullptr, nullptr, release, nullptr};
  if (children) out->children = new ArrowSchema*[children];
  for (size_t i = 0; i < children; ++i) out->children[i] = new ArrowSchema{};
}

void fill(ArrowSchema* out, const Field& field) {
  if (field.kind == Kind::map) {
    fill(out, "+m", field.column.c_str(), ARROW_FLAG_NULLABLE, 1);
    fill(out->children[0], "+s", "entries", 0, 2);
    fill(out->children[0]->children[0], "u", "key", 0, 0);
    fill(out->children[0]->children[1], field.parts[0]);
    return;
  }
  fill(out, field.format.c_str(), field.column.c_str(), ARROW_FLAG_NULLABLE, field.parts.size());
  if (!field.metadata.empty()) out->metadata = field.metadata.data();
  for (size_t i = 0; i < field.parts.size(); ++i) fill(out->children[i], field.parts[i]);
}

}  // namespace

size_t Field::cells() const {
  size_t sum = 1;
  for (const Field& part : parts) sum += part.cells();
  return sum;
}

bool Plan::plain(std::string_view name) {
  if (name.empty() || name.size() > 100) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || is_digit(c) || c == '_' || c == '.' || c == '-';
  });
}

bool Plan::strange(std::string_view name) const {
  if (!plain(name)) return false;
  std::string lower(name);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return spoken.find(lower) == spoken.end();
}

void Plan::schema(ArrowSchema* out) const {
  const size_t count = root.parts.size();
  fill(out, "+s", "", 0, count + 2);
  for (size_t i = 0; i < count; ++i) fill(out->children[i], root.parts[i]);
  fill(out->children[count], "l", "ordinal", 0, 0);
  fill(out->children[count + 1], "u", "extra", ARROW_FLAG_NULLABLE, 0);
}

std::unique_ptr<const Plan> read_plan(std::string_view json) {
  constexpr size_t most_cells = 1 << 20;
  simdjson::dom::parser parser;
  element from = parser.parse(json.data(), json.size()).value();
  auto plan = std::make_unique<Plan>();
  plan->root.kind = Kind::object;
  for (element part : items(from["fields"])) plan->root.parts.push_back(field(part));
  for (element name : items(from["spoken"])) plan->spoken.emplace(name.get_string().value());
  plan->closed = from["closed"].get_bool().value();
  plan->apart = from["apart"].get_bool().value();
  element columns;
  if (from["csv"].get(columns) == simdjson::SUCCESS && !columns.is_null()) plan->csv = csv(columns, plan->root.parts.size());
  simdjson::dom::array keys;
  if (from["keys"].get(keys) == simdjson::SUCCESS) {
    for (element key : keys) {
      plan->keys.emplace_back();
      for (element part : simdjson::dom::array(key)) {
        const auto at = static_cast<size_t>(part.get_int64().value());
        if (at >= plan->root.parts.size()) throw std::runtime_error("a key has no field");
        plan->keys.back().push_back(at);
      }
    }
  }
  place(plan->root);
  plan->most_rows = std::clamp<size_t>(most_cells / plan->root.cells(), 16, 16384);
  return plan;
}

}  // namespace startrail
