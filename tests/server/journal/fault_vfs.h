// A disk for SQLite that can fail and that can lose what was not synced.
//
// While the object lives, every database that is opened goes through it, on top of the real file
// system. Databases must be closed before it goes.
#ifndef LEHR_TESTS_SERVER_JOURNAL_FAULT_VFS_H_
#define LEHR_TESTS_SERVER_JOURNAL_FAULT_VFS_H_

#include <sqlite3.h>

#include <atomic>
#include <string>

namespace lehr {

class FaultVfs {
 public:
  FaultVfs();
  FaultVfs(const FaultVfs&) = delete;
  FaultVfs& operator=(const FaultVfs&) = delete;
  ~FaultVfs();

  // From now on every sync fails, without having synced.
  void FailSyncs() { fail_syncs_ = true; }
  // Syncs since the object was made, failed ones included.
  int syncs() const { return syncs_; }
  // From now on each file of a directory is copied to another one when it is synced: there is what
  // a power loss would leave.
  void KeepSyncedFiles(const std::string& from, const std::string& to) {
    from_ = from;
    to_ = to;
  }

 private:
  struct File;

  static int Open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags,
                  int* out_flags);
  static int Sync(sqlite3_file* file, int flags);

  sqlite3_vfs* const real_;
  sqlite3_vfs vfs_;
  std::string from_;
  std::string to_;
  std::atomic<bool> fail_syncs_ = false;
  std::atomic<int> syncs_ = 0;
};

}  // namespace lehr

#endif  // LEHR_TESTS_SERVER_JOURNAL_FAULT_VFS_H_
