// A library to preload, for a test that must notice: fdatasync() says that it
// has synced, and has not.
#include <unistd.h>

extern "C" int fdatasync(int /*descriptor*/) { return 0; }
