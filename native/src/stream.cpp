// The library's face: a C ABI for ctypes. See startrail/adapters/loader/native/library.py.
#include <simdjson.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>

#include "batch.hpp"

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

using startrail::Batch;
using startrail::Plan;

constexpr int ABI = 3;

struct Reader {
  std::shared_ptr<const Plan> plan;
};

struct Read {
  std::shared_ptr<const Plan> plan;
  Batch batch;
  explicit Read(const Reader& reader) : plan(reader.plan), batch(*plan) {}
};

// Batches on their way to the engine, a bounded number at a time.
struct Queue {
  std::shared_ptr<const Plan> plan;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::shared_ptr<Read>> waiting;
  size_t most = 1;
  bool ended = false, left = false;
  std::string error;
};

using Handle = std::shared_ptr<Queue>;

Handle& queue(ArrowArrayStream* stream) { return *static_cast<Handle*>(stream->private_data); }

int get_schema(ArrowArrayStream* stream, ArrowSchema* out) try {
  queue(stream)->plan->schema(out);
  return 0;
} catch (const std::exception&) {
  return ENOMEM;
}

int get_next(ArrowArrayStream* stream, ArrowArray* out) try {
  Handle from = queue(stream);
  std::unique_lock lock(from->mutex);
  from->changed.wait(lock, [&] { return !from->waiting.empty() || from->ended; });
  if (!from->error.empty()) return EIO;
  if (from->waiting.empty()) {
    *out = {};
    return 0;
  }
  auto read = std::move(from->waiting.front());
  from->waiting.pop_front();
  lock.unlock();
  from->changed.notify_all();
  read->batch.move_to(out, read);
  return 0;
} catch (const std::exception&) {
  return ENOMEM;
}

const char* get_last_error(ArrowArrayStream* stream) { return queue(stream)->error.c_str(); }

void release(ArrowArrayStream* stream) {
  {
    Handle from = queue(stream);
    std::lock_guard lock(from->mutex);
    from->left = true;
    from->waiting.clear();
    from->changed.notify_all();
  }
  delete static_cast<Handle*>(stream->private_data);
  stream->release = nullptr;
}

}  // namespace

EXPORT int startrail_abi() { return ABI; }

EXPORT const char* startrail_processor() {
  static const std::string name = simdjson::get_active_implementation()->name();
  return name.c_str();
}

EXPORT Reader* startrail_open(const char* plan, size_t size, char* error, size_t room) try {
  return new Reader{std::shared_ptr<const Plan>(startrail::read_plan({plan, size}))};
} catch (const std::exception& found) {
  std::strncpy(error, found.what(), room - 1);
  return nullptr;
}

EXPORT void startrail_close(Reader* reader) { delete reader; }

// How many of the lines of CSV at `data` certainly are one record each, in bytes, lines and records.
EXPORT void startrail_certain(const char* data, size_t size, char delimiter, char quote, startrail::Certain* out) {
  *out = startrail::certain_lines(data, size, delimiter, quote);
}

// Null when memory is short. `taken` becomes the bytes of the lines that were read.
EXPORT Read* startrail_read(Reader* reader, const char* data, size_t size, size_t* taken) try {
  auto read = std::make_unique<Read>(*reader);
  *taken = read->batch.read(data, size);
  return read.release();
} catch (const std::exception&) {
  return nullptr;
}

EXPORT int64_t startrail_records(Read* read) { return read->batch.records; }

EXPORT int64_t startrail_lines(Read* read) { return read->batch.lines; }

EXPORT int startrail_utf8(const char* data, size_t size) { return simdjson::validate_utf8(data, size); }

EXPORT size_t startrail_refused(Read* read, const startrail::Refused** first) {
  *first = read->batch.refused.data();
  return read->batch.refused.size();
}

// Of refused records that were taken apart: places of doubtful fields, and their text.
EXPORT size_t startrail_doubts(Read* read, const int64_t** first, const char** text, size_t* size) {
  *first = read->batch.doubts.data();
  *text = read->batch.doubtful.data();
  *size = read->batch.doubtful.size();
  return read->batch.doubts.size();
}

EXPORT size_t startrail_kept(Read* read, const startrail::Kept** first) {
  *first = read->batch.kept.data();
  return read->batch.kept.size();
}

EXPORT const char* startrail_paths(Read* read) { return read->batch.paths.data(); }

EXPORT size_t startrail_defaulted(Read* read, const int64_t** first) {
  *first = read->batch.defaulted.data();
  return read->batch.defaulted.size();
}

EXPORT startrail::Seen* startrail_seen(Reader* reader) { return new startrail::Seen(reader->plan->keys.size()); }

// To be called with one batch after the other, in their order. -1 when memory is short.
EXPORT int64_t startrail_repeated(startrail::Seen* seen, Read* read, const startrail::Refused** first) try {
  read->batch.keep_first(*seen);
  *first = read->batch.repeated.data();
  return static_cast<int64_t>(read->batch.repeated.size());
} catch (const std::exception&) {
  return -1;
}

// Whether all rows that were kept have different keys.
EXPORT int startrail_distinct(startrail::Seen* seen) { return seen->whole; }

EXPORT void startrail_unsee(startrail::Seen* seen) { delete seen; }

// The rows are numbered as their records are in `numbers`, instead of by their place.
EXPORT void startrail_number(Read* read, const int64_t* numbers) { read->batch.number_as(numbers); }

EXPORT void startrail_forget(Read* read) { delete read; }

EXPORT Handle* startrail_queue(Reader* reader, size_t most) {
  auto made = std::make_shared<Queue>();
  made->plan = reader->plan;
  made->most = most;
  return new Handle(made);
}

EXPORT void startrail_stream(Handle* handle, ArrowArrayStream* out) {
  *out = {get_schema, get_next, get_last_error, release, new Handle(*handle)};
}

EXPORT void startrail_schema(Handle* handle, ArrowSchema* out) { (*handle)->plan->schema(out); }

// For capsules that nobody took from.
EXPORT void startrail_drop_stream(ArrowArrayStream* stream) {
  if (stream->release) stream->release(stream);
}
EXPORT void startrail_drop_schema(ArrowSchema* schema) {
  if (schema->release) schema->release(schema);
}

// Hands the rows over, numbered from `base` + 1; owns `read` then. 1 = done, 0 = no room within the time, -1 = nobody
// reads any more; only 1 takes the rows.
EXPORT int startrail_push(Handle* handle, Read* read, int64_t base, int milliseconds) {
  Handle to = *handle;
  std::unique_lock lock(to->mutex);
  const auto free = [&] { return to->left || to->waiting.size() < to->most; };
  if (!to->changed.wait_for(lock, std::chrono::milliseconds(milliseconds), free)) return 0;
  if (to->left) return -1;
  std::shared_ptr<Read> owned(read);
  if (owned->batch.rows()) {
    owned->batch.number_from(base);
    to->waiting.push_back(std::move(owned));
  }
  lock.unlock();
  to->changed.notify_all();
  return 1;
}

// No more rows will come; with an `error`, those that came are not all.
EXPORT void startrail_end(Handle* handle, const char* error) {
  Handle to = *handle;
  std::lock_guard lock(to->mutex);
  to->ended = true;
  to->error = error;
  to->changed.notify_all();
}

EXPORT void startrail_leave(Handle* handle) { delete handle; }
