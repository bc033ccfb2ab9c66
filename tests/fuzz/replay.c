/* replay.c - calls a fuzz target once for each file named on the command line, where libFuzzer is not linked: the tracked
 * corpus is so a test of every build. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_FILE_BYTES (1U << 20)

static int replay(const char *path)
{
    static uint8_t data[MAX_FILE_BYTES];
    FILE *file = fopen(path, "rb");

    if (file == NULL) {
        perror(path);
        return 1;
    }
    size_t size = fread(data, 1, sizeof(data), file);
    int has_failed = ferror(file);
    (void)fclose(file);
    if (has_failed)
        return 1;

    /* The target must not read behind the input: only a block of exactly its size shows that. */
    uint8_t *exact = malloc(size > 0 ? size : 1);
    if (exact == NULL)
        return 1;
    for (size_t i = 0; i < size; i++)
        exact[i] = data[i];
    printf("%s\n", path);
    (void)fflush(stdout);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    return 0;
}

int main(int argc, char **argv)
{
    int has_failed = 0;

    for (int i = 1; i < argc; i++)
        has_failed |= replay(argv[i]);
    return has_failed;
}
