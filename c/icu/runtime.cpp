/*
 * runtime.cpp: the functions of C++'s library that ICU calls. A process has one thread, so none of them waits for another.
 */
#include <condition_variable>
#include <mutex>
#include <new>

#include <stdlib.h>

_LIBCPP_BEGIN_NAMESPACE_STD

mutex::~mutex() noexcept
{
}

void
mutex::lock()
{
}

void
mutex::unlock() noexcept
{
}

condition_variable::~condition_variable()
{
}

void
condition_variable::notify_all() noexcept
{
}

/* No other thread could make the condition true. */
void
condition_variable::wait(unique_lock<mutex> &) noexcept
{
	abort();
}

void
__call_once(volatile once_flag::_State_type &state, void *argument, void (*function)(void *))
{
	function(argument);
	state = ~once_flag::_State_type(0);
}

_LIBCPP_END_NAMESPACE_STD

void
operator delete(void *memory) noexcept
{
	free(memory);
}

void
operator delete(void *memory, size_t) noexcept
{
	free(memory);
}

extern "C" {

void	   *__dso_handle;

/* Objects are not destroyed when a process ends, because all its memory is freed. */
int
__cxa_atexit(void (*)(void *), void *, void *)
{
	return 0;
}

}
