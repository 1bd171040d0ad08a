#include "tests/server/journal/fault_vfs.h"

#include <filesystem>

namespace lehr {

// What SQLite holds of an open file; the real one lies behind it in the same memory.
struct FaultVfs::File {
  sqlite3_file base;
  FaultVfs* vfs;
  const char* name;  // SQLite keeps it until the file is closed

  static File* Of(sqlite3_file* file) { return reinterpret_cast<File*>(file); }
  static sqlite3_file* Real(sqlite3_file* file) {
    return reinterpret_cast<sqlite3_file*>(Of(file) + 1);
  }
};

FaultVfs::FaultVfs() : real_(sqlite3_vfs_find(nullptr)), vfs_(*real_) {
  vfs_.szOsFile = static_cast<int>(sizeof(File)) + real_->szOsFile;
  vfs_.zName = "lehr-fault";
  vfs_.pAppData = this;
  vfs_.xOpen = &FaultVfs::Open;
  sqlite3_vfs_register(&vfs_, /*makeDflt=*/1);
}

FaultVfs::~FaultVfs() {
  sqlite3_vfs_unregister(&vfs_);
  sqlite3_vfs_register(real_, /*makeDflt=*/1);
}

int FaultVfs::Open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags,
                   int* out_flags) {
  // Version 1 has no shared memory: a log then needs exclusive locking, as the journal has it.
  static const sqlite3_io_methods methods = {
      .iVersion = 1,
      .xClose = [](sqlite3_file* f) { return File::Real(f)->pMethods->xClose(File::Real(f)); },
      .xRead =
          [](sqlite3_file* f, void* bytes, int size, sqlite3_int64 at) {
            return File::Real(f)->pMethods->xRead(File::Real(f), bytes, size, at);
          },
      .xWrite =
          [](sqlite3_file* f, const void* bytes, int size, sqlite3_int64 at) {
            return File::Real(f)->pMethods->xWrite(File::Real(f), bytes, size, at);
          },
      .xTruncate =
          [](sqlite3_file* f, sqlite3_int64 size) {
            return File::Real(f)->pMethods->xTruncate(File::Real(f), size);
          },
      .xSync = &FaultVfs::Sync,
      .xFileSize =
          [](sqlite3_file* f, sqlite3_int64* size) {
            return File::Real(f)->pMethods->xFileSize(File::Real(f), size);
          },
      .xLock = [](sqlite3_file* f,
                  int lock) { return File::Real(f)->pMethods->xLock(File::Real(f), lock); },
      .xUnlock = [](sqlite3_file* f,
                    int lock) { return File::Real(f)->pMethods->xUnlock(File::Real(f), lock); },
      .xCheckReservedLock =
          [](sqlite3_file* f, int* reserved) {
            return File::Real(f)->pMethods->xCheckReservedLock(File::Real(f), reserved);
          },
      .xFileControl =
          [](sqlite3_file* f, int operation, void* argument) {
            return File::Real(f)->pMethods->xFileControl(File::Real(f), operation, argument);
          },
      .xSectorSize =
          [](sqlite3_file* f) { return File::Real(f)->pMethods->xSectorSize(File::Real(f)); },
      .xDeviceCharacteristics =
          [](sqlite3_file* f) {
            return File::Real(f)->pMethods->xDeviceCharacteristics(File::Real(f));
          },
  };
  File::Of(file)->vfs = static_cast<FaultVfs*>(vfs->pAppData);
  File::Of(file)->name = name;
  sqlite3_vfs* real = File::Of(file)->vfs->real_;
  const int code = real->xOpen(real, name, File::Real(file), flags, out_flags);
  file->pMethods = code == SQLITE_OK ? &methods : nullptr;
  return code;
}

int FaultVfs::Sync(sqlite3_file* file, int flags) {
  FaultVfs& vfs = *File::Of(file)->vfs;
  ++vfs.syncs_;
  if (vfs.fail_syncs_) {
    return SQLITE_IOERR_FSYNC;
  }
  const int code = File::Real(file)->pMethods->xSync(File::Real(file), flags);
  const std::filesystem::path name(File::Of(file)->name);
  if (code == SQLITE_OK && name.parent_path() == vfs.from_) {
    std::filesystem::copy_file(name, vfs.to_ / name.filename(),
                               std::filesystem::copy_options::overwrite_existing);
  }
  return code;
}

}  // namespace lehr
