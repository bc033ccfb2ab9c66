/* pause.c - holds a pod's namespaces open, and is what the Rucio images run when they are given no command.
 *
 * It is process 1, for which the kernel ignores every signal without a handler: with no handlers a pod would take its
 * whole grace period to end. Where the pod shares its process namespace it also inherits orphans.
 */
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

static void on_stop(int signal_number)
{
    (void)signal_number;
    _exit(0);
}

static void on_child(int signal_number)
{
    (void)signal_number;
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
}

int main(void)
{
    struct sigaction stop = {.sa_handler = on_stop};
    struct sigaction child = {.sa_handler = on_child, .sa_flags = SA_NOCLDSTOP};
    if (sigaction(SIGTERM, &stop, NULL) || sigaction(SIGINT, &stop, NULL) || sigaction(SIGCHLD, &child, NULL))
        return 1;
    for (;;)
        pause();
}
