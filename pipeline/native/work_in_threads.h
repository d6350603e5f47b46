// Parts of a work that do not depend on each other, done by several threads.
#pragma once

#include <atomic>
#include <cstddef>
#include <exception>
#include <system_error>
#include <thread>
#include <vector>

namespace pipeline {

// Calls `work` once in each thread, with a function that gives the number of the part to be done next, and tells when
// there is none. This thread is one of them, and all have ended when it returns; the first error is thrown then.
template <class Work>
void work_in_threads(size_t threads, size_t parts, const Work& work) {
    std::atomic<size_t> next{0};
    const auto take = [&](size_t& part) { return (part = next.fetch_add(1)) < parts; };
    std::vector<std::exception_ptr> errors(threads);
    const auto run = [&](size_t thread) {
        try {
            work(take);
        } catch (...) {
            errors[thread] = std::current_exception();
            next = parts;
        }
    };
    std::vector<std::thread> others;
    others.reserve(threads);
    try {
        for (size_t thread = 1; thread < threads; ++thread) others.emplace_back(run, thread);
    } catch (const std::system_error&) {
        // The system gives no more: those that there are do all of it.
    }
    run(0);
    for (std::thread& other : others) other.join();
    for (const std::exception_ptr& error : errors)
        if (error) std::rethrow_exception(error);
}

}  // namespace pipeline
