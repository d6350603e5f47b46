// Loads libraries in a thread of its own, so that the interpreter, which would wait for them, does something else meanwhile.

#ifndef _WIN32
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#endif

#include <cstdint>
#include <exception>
#include <string>

namespace {

#ifndef _WIN32
std::string paths_to_load;  // each ends with a zero byte
pthread_t loader;
bool is_loading = false;

// What cannot be loaded here is told by whoever needs it.
void* load_all(void*) {
    for (size_t at = 0; at < paths_to_load.size(); at = paths_to_load.find('\0', at) + 1)
        dlopen(paths_to_load.c_str() + at, RTLD_NOW | RTLD_LOCAL);
    return nullptr;
}
#endif

}  // namespace

#pragma GCC visibility push(default)
// Begins to load the libraries at paths, each of which ends with a zero byte; returns at once, 1 where a thread does it.
// None does where addresses are limited: a library that lacks memory while it is loaded may end the process. It is called
// once, and `pipeline_end_loading` before the process ends.
extern "C" int32_t pipeline_load_ahead(const char* paths, int64_t size) {
#ifdef _WIN32
    return static_cast<void>(paths), static_cast<void>(size), 0;
#else
    rlimit addresses;
    if (is_loading || getrlimit(RLIMIT_AS, &addresses) != 0 || addresses.rlim_cur != RLIM_INFINITY) return 0;
    try {
        paths_to_load.assign(paths, static_cast<size_t>(size));
    } catch (const std::exception&) {
        return 0;
    }
    sigset_t all, before;  // signals are for the interpreter's threads
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    is_loading = pthread_create(&loader, nullptr, load_all, nullptr) == 0;
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return is_loading;
#endif
}

// Waits until all are loaded: a library that is loaded while the process ends is taken down half made.
extern "C" void pipeline_end_loading() {
#ifndef _WIN32
    if (is_loading) pthread_join(loader, nullptr);
    is_loading = false;
#endif
}
#pragma GCC visibility pop
