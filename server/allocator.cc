// What jemalloc is told: memory that was freed goes back to the system after
// half a second. By default it stays for ten, and what stays of deltas that
// have become checkpoints is a tenth of all the daemon's (tests/bench/
// PROFILE.md). MALLOC_CONF in the environment changes it.

extern "C" {
extern const char* const malloc_conf;
const char* const malloc_conf = "dirty_decay_ms:500,muzzy_decay_ms:0";
}
