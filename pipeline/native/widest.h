// Loops over many values in the widest instructions that the machine has, chosen when the library is loaded.
#pragma once

// Sanitizers are not ready yet when the choice is made.
#if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__) && !defined(__clang__) && __GNUC__ >= 12 && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define PIPELINE_WIDEST __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define PIPELINE_WIDEST
#endif
