// Loads libraries in a thread of its own, so that the interpreter, which would wait for them, does something else meanwhile.

#ifndef _WIN32
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#endif

#include <cstdint>
#include <new>
#include <string>

#ifndef _WIN32
namespace {

// What cannot be loaded here is told by whoever needs it.
void* load_all(void* given) {
    auto* paths = static_cast<std::string*>(given);
    for (size_t at = 0; at < paths->size(); at = paths->find('\0', at) + 1) dlopen(paths->c_str() + at, RTLD_NOW | RTLD_LOCAL);
    delete paths;
    return nullptr;
}

}  // namespace
#endif

#pragma GCC visibility push(default)
// Begins to load the libraries at paths, each of which ends with a zero byte; returns at once, 1 where a thread does it.
// None does where addresses are limited: a library that lacks memory while it is loaded may end the process.
extern "C" int32_t pipeline_load_ahead(const char* paths, int64_t size) {
#ifdef _WIN32
    return static_cast<void>(paths), static_cast<void>(size), 0;
#else
    rlimit addresses;
    if (getrlimit(RLIMIT_AS, &addresses) != 0 || addresses.rlim_cur != RLIM_INFINITY) return 0;
    auto* kept = new (std::nothrow) std::string(paths, static_cast<size_t>(size));
    if (kept == nullptr) return 0;
    sigset_t all, before;  // signals are for the interpreter's threads
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t thread;
    const bool is_begun = pthread_create(&thread, nullptr, load_all, kept) == 0;
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (is_begun)
        pthread_detach(thread);
    else
        delete kept;
    return is_begun;
#endif
}
#pragma GCC visibility pop
