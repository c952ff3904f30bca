// Mutated lines through the reader, under the sanitizers: fuzz PLAN LINES ROUNDS [SEED]. It must neither crash nor lose
// a record: each line is either in the columns or refused.
#include <simdjson.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <random>
#include <sstream>

#include "../src/batch.hpp"

namespace {

std::string whole_file(const char* path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

const std::vector<std::string> ODD = {
    "null", "1e400", "\"\\ud800\"", "\"\\u0000\"", "{", "}", "[", "]", "\"", "\\", ",", ":", "-", "9223372036854775808", "\x80", "\n",
    "\xed\xa0\x80", "{\"x\":1,\"x\":2}", "99999999999999999999999999999999999999999", "2026-02-30", "0.", "\\u00e", "\"\\", " ", "\"\"", ",\"", "\",", "\r", "\r\n", "7.00", std::string(1, '\0')};

std::string mutated(const std::string& from, std::mt19937& random) {
  std::string text = from;
  for (unsigned times = 1 + random() % 4; times && !text.empty(); --times) {
    const size_t at = random() % text.size();
    switch (random() % 4) {
      case 0: text[at] = static_cast<char>(random()); break;
      case 1: text.erase(at, 1 + random() % 8); break;
      case 2: text.insert(at, ODD[random() % ODD.size()]); break;
      default: text.insert(at, text.substr(random() % text.size(), random() % 64));
    }
  }
  return text;
}

int64_t records(const std::string& text, bool csv) {
  int64_t found = 0;
  if (csv) {
    std::stringstream lines(text);
    for (std::string line; std::getline(lines, line);) found += !line.empty() && line != "\r";
    return found;
  }
  std::stringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    found += !std::all_of(line.begin(), line.end(), [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); });
  return found;
}

// What was taken apart is JSON, and its doubtful fields are fields, each told once; its place is that of a line.
void check(const startrail::Batch& batch, const startrail::Plan& plan, const char* block) {
  simdjson::dom::parser parser;
  int64_t line = -1;
  for (const startrail::Refused& one : batch.refused) {
    if (one.line <= line || one.line >= batch.lines || block[one.offset + one.size] != '\n') std::abort();
    line = one.line;
    if (one.doubts < 0) continue;
    int64_t last = -1;
    for (int64_t i = one.doubt; i < one.doubt + one.doubts; ++i) {
      const int64_t place = batch.doubts.at(static_cast<size_t>(i));
      if (place <= last || place >= static_cast<int64_t>(plan.root.parts.size())) std::abort();
      last = place;
    }
    const std::string text = batch.doubtful.substr(static_cast<size_t>(one.text), static_cast<size_t>(one.text_size)) + "\n";
    const std::string padded = text + std::string(startrail::PADDING, '"');
    const char* at = padded.data();
    const bool whole = *at == '{' && (text.find('\\') != text.npos || (startrail::skip_value(at) && *at == '\n'));
    simdjson::dom::object members;
    const auto error = parser.parse(text).get(members);
    if (!whole || (error && error != simdjson::NUMBER_ERROR)) std::abort();
    if (error) continue;  // numbers larger than simdjson holds
    for (const auto member : members)
      if (const auto found = plan.root.places.find(member.key); found != plan.root.places.end()) {
        const auto first = batch.doubts.begin() + one.doubt;
        if (std::find(first, first + one.doubts, static_cast<int64_t>(found->second)) == first + one.doubts) std::abort();
      }
  }
  for (const startrail::Kept& one : batch.kept)
    if (one.value_size < 0 && static_cast<size_t>(one.name + one.name_size) > batch.paths.size()) std::abort();
}

// The block lies in memory of exactly its size, so that a byte too far is found out.
void read(const startrail::Plan& plan, const std::string& text) {
  std::vector<char> block(text.begin(), text.end());
  block.push_back('\n');
  block.insert(block.end(), startrail::PADDING, '"');
  int64_t found = 0;
  startrail::Seen seen(plan.keys.size());
  for (size_t done = 0; done < text.size();) {
    auto batch = std::make_shared<startrail::Batch>(plan);
    const size_t taken = batch->read(block.data() + done, text.size() - done);
    if (taken == 0 || static_cast<int64_t>(batch->rows() + batch->refused.size()) != batch->records) std::abort();
    check(*batch, plan, block.data() + done);
    found += batch->records;
    batch->keep_first(seen);
    done += taken;
    ArrowArray array;
    batch->move_to(&array, batch);
    for (int64_t i = 0; i < array.n_children; ++i)
      if (array.children[i]->length != array.length) std::abort();
    array.release(&array);
  }
  if (found != records(text, plan.csv != nullptr)) std::abort();
}

// Likewise; what is certain ends with a line, and holds as many records as the reader finds in it.
void look(const startrail::Plan& plan, std::string text) {
  if (text.empty() || text.back() != '\n') text += '\n';
  const std::vector<char> block(text.begin(), text.end());
  const auto found = startrail::certain_lines(block.data(), block.size(), plan.csv->delimiter, plan.csv->quote);
  const std::string certain = text.substr(0, static_cast<size_t>(found.bytes));
  if (!certain.empty() && certain.back() != '\n') std::abort();
  if (found.lines != std::count(certain.begin(), certain.end(), '\n') || found.records != records(certain, true)) std::abort();
}

}  // namespace

int main(int count, char** given) {
  if (count < 4) return 2;
  const auto plan = startrail::read_plan(whole_file(given[1]));
  std::vector<std::string> lines;
  std::stringstream text(whole_file(given[2]));
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  std::mt19937 random(count > 4 ? std::stoul(given[4]) : 1);
  for (long round = std::stol(given[3]); round; --round) {
    std::string block;
    for (unsigned i = 1 + random() % 8; i; --i) {
      const std::string& line = lines[random() % lines.size()];
      block += random() % 3 ? mutated(line, random) : line;
      if (i > 1 || random() % 2) block += '\n';
    }
    read(*plan, block);
    if (plan->csv) look(*plan, block);
  }
  std::cout << given[3] << " blocks read\n";
}
