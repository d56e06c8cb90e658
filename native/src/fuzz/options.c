// A supervisor gets no environment: what its sanitizers are to do is built in. What they find is in
// files that begin so, and ends the process.
const char* __asan_default_options(void);
const char* __ubsan_default_options(void);

const char* __asan_default_options(void) {
  return "detect_leaks=0:abort_on_error=0:log_path=/tmp/bay-sanitizer";
}
const char* __ubsan_default_options(void) { return "print_stacktrace=1"; }
