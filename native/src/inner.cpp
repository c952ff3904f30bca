// Undeclared fields inside objects: kept under their path, as the judge keeps them.
#include <algorithm>

#include "batch.hpp"

namespace startrail {

namespace {

constexpr size_t MOST = 32;             // in one record; the judge has all the others
constexpr size_t MOST_KEPT = 1024;      // names in one batch
constexpr size_t LONGEST = 1 << 12;     // bytes of a value, and of a path

// A value, which is JSON, as the judge would write it: no white space between its tokens, no more escapes than needed.
bool canonical(const char* at, const char* end, Strings& strings, std::string& out) {
  while (at < end) {
    if (*at == '"') {
      std::string_view text;
      if (!strings.read(at, text)) return false;
      add_json(out, text);
      continue;
    }
    if (*at != ' ' && *at != '\t' && *at != '\r') out += *at;
    ++at;
  }
  return true;
}

}  // namespace

bool Batch::keep_inner(const char*& at, std::string_view name, const Frame& frame) {
  if (closed_ || frame.field->closed || inner_.size() == MOST || !Plan::plain(name) || !eat(at, ':')) return false;
  skip_space(at);
  const char* start = at;
  if (!skip_value(at) || static_cast<size_t>(at - start) > LONGEST) return false;
  Inner made;
  if (!canonical(start, at, strings_, made.value)) return false;
  const Frame* frames[DEEPEST];
  size_t depth = 0;
  for (const Frame* one = &frame; one; one = one->up) {
    if (depth == DEEPEST) return false;
    frames[depth++] = one;
  }
  std::string key = "$";
  made.path = "$";
  bool item = false;  // what comes next stands in a list
  while (depth) {
    const Frame& one = *frames[--depth];
    if (one.field->name.find('[') != std::string::npos) return false;  // it would look like an item
    if (item) {
      key.append(1, '[').append(std::to_string(one.index)).append(1, ']');
      made.path += "[]";
    } else {
      key.append(1, '.').append(one.field->name);
      made.path.append(1, '.').append(one.field->name);
    }
    made.order.push_back(one.index);
    item = one.field->kind == Kind::list;
  }
  key.append(1, '.').append(name);
  made.path.append(1, '.').append(name);
  made.order.push_back(0);
  if (key.size() > LONGEST) return false;
  for (const Inner& other : inner_)
    if (other.key == key) return false;
  for (const Undeclared& other : undeclared_)
    if (other.name.find('.') != other.name.npos) return false;  // it might be told as this one
  if (kept.size() >= MOST_KEPT && inner_places_.find(made.path) == inner_places_.end()) return false;
  made.key = std::move(key);
  inner_.push_back(std::move(made));
  return true;
}

// Their part of the extra fields, in the judge's order: those of an object before those of its fields.
std::string Batch::extra_inner() {
  if (inner_.size() > 1) std::stable_sort(inner_.begin(), inner_.end(), [](const Inner& a, const Inner& b) { return a.order < b.order; });
  std::string text;
  for (size_t i = 0; i < inner_.size(); ++i) {
    const Inner& one = inner_[i];
    text += text.empty() ? '{' : ',';
    add_json(text, one.key);
    text.append(1, ':').append(one.value);
    const bool told = std::any_of(inner_.begin(), inner_.begin() + static_cast<std::ptrdiff_t>(i), [&](const Inner& other) { return other.path == one.path; });
    if (told) continue;
    const auto [place, fresh] = inner_places_.emplace(one.path, kept.size());
    if (fresh) {
      kept.push_back({0, records, static_cast<int64_t>(paths.size()), static_cast<int64_t>(one.path.size()), 0, -1});
      paths += one.path;
    }
    ++kept[place->second].rows;
  }
  return text;
}

}  // namespace startrail
