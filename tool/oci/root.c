/* SPDX-License-Identifier: MIT */
/* A tree of nodes with parents, and one hash table for all folders. */
#include "oci/root.h"
#include "image/cpio_writer.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINKS_MAX 40 /* Linux: symbolic links on one path */

struct node {
    struct node *parent, *child, *next, *previous; /* next, previous: others in the parent */
    struct node *bucket;                           /* the next one of equal hash */
    struct root_inode *inode;
    size_t hash, length; /* length: of the path */
    unsigned layer;
    char name[];
};

struct root {
    struct node *top, **table;
    size_t nodes, buckets;
    uint64_t bytes, next_inode;
    unsigned layer;
};

static const char too_many[] = "the image has more than a million files";
static const char not_folder[] = "a name on its path is no folder";
static const char not_inside[] = "its name is that of the root, or has .. in it";

/* FNV-1a over the name, mixed with the folder's address. */
static size_t hash_of(const struct node *parent, const char *name, size_t length)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ (uintptr_t)parent;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)name[i]) * UINT64_C(0x100000001b3);
    return (size_t)(hash ^ hash >> 29);
}

static struct node *find(const struct root *root, const struct node *parent, const char *name,
                         size_t length)
{
    size_t hash = hash_of(parent, name, length);
    for (struct node *n = root->table[hash & (root->buckets - 1)]; n; n = n->bucket)
        if (n->hash == hash && n->parent == parent && strncmp(n->name, name, length) == 0 &&
            n->name[length] == '\0')
            return n;
    return NULL;
}

static void grow(struct root *root)
{
    size_t buckets = root->buckets * 2;
    struct node **table = memory(buckets * sizeof(struct node *));
    for (size_t i = 0; i < root->buckets; i++) {
        for (struct node *n = root->table[i], *next; n; n = next) {
            next = n->bucket;
            n->bucket = table[n->hash & (buckets - 1)];
            table[n->hash & (buckets - 1)] = n;
        }
    }
    free(root->table);
    root->table = table;
    root->buckets = buckets;
}

static struct root_inode *inode_new(struct root *root, const struct stat *stat)
{
    struct root_inode *inode = memory(sizeof(*inode));
    inode->stat = *stat;
    inode->stat.st_dev = 0;
    inode->stat.st_ino = ++root->next_inode;
    inode->stat.st_nlink = 0;
    return inode;
}

static void inode_put(struct root *root, struct root_inode *inode)
{
    if (--inode->stat.st_nlink > 0)
        return;
    if (S_ISREG(inode->stat.st_mode))
        root->bytes -= (uint64_t)inode->stat.st_size;
    if (inode->source)
        unlink(inode->source);
    free(inode->source);
    free(inode->target);
    free(inode);
}

struct place {
    struct node *folder; /* NULL: it is not there */
    const char *name;    /* up to the end of a component */
    size_t length;       /* 0: the root itself */
};

/* NULL with the reason in *why. */
static struct node *add(struct root *root, const struct place *place, struct root_inode *inode,
                        const char **why)
{
    struct node *parent = place->folder;
    size_t length = place->length;
    *why = length > NAME_MAX                             ? "a name in it is longer than 255 bytes"
           : parent->length + 1 + length > CPIO_NAME_MAX ? "its path is too long"
           : root->nodes == ROOT_NODES_MAX               ? too_many
                                                         : NULL;
    if (*why)
        return NULL;
    if (root->nodes >= root->buckets)
        grow(root);
    struct node *n = memory(sizeof(*n) + length + 1);
    *n = (struct node){.parent = parent,
                       .next = parent->child,
                       .inode = inode,
                       .hash = hash_of(parent, place->name, length),
                       .length = parent->length + 1 + length,
                       .layer = root->layer};
    memcpy(n->name, place->name, length);
    if (n->next)
        n->next->previous = n;
    parent->child = n;
    n->bucket = root->table[n->hash & (root->buckets - 1)];
    root->table[n->hash & (root->buckets - 1)] = n;
    inode->stat.st_nlink++;
    root->nodes++;
    return n;
}

/* Removes one node, which has no children. */
static void unhook(struct root *root, struct node *n)
{
    struct node **at = &root->table[n->hash & (root->buckets - 1)];
    while (*at != n)
        at = &(*at)->bucket;
    *at = n->bucket;
    if (n->previous)
        n->previous->next = n->next;
    else
        n->parent->child = n->next;
    if (n->next)
        n->next->previous = n->previous;
    inode_put(root, n->inode);
    root->nodes--;
    free(n);
}

/* The node behind n in an order with parents behind their children; it stops above `top`. */
static struct node *deepest(struct node *n)
{
    while (n->child)
        n = n->child;
    return n;
}

/* Removes what is in the folder and older than `layer`; folders that something newer is in stay. O(nodes in it). */
static void clear(struct root *root, struct node *top, unsigned layer)
{
    struct node *n = deepest(top);
    while (n != top) {
        struct node *next = n->next ? deepest(n->next) : n->parent;
        if (!n->child && n->layer < layer)
            unhook(root, n);
        n = next;
    }
}

static struct node *add_folder(struct root *root, const struct place *place, const char **why)
{
    const struct stat stat = {.st_mode = S_IFDIR | 0755};
    struct root_inode *inode = inode_new(root, &stat);
    struct node *n = add(root, place, inode, why);
    if (!n)
        free(inode);
    return n;
}

/* The way of one path to a folder. */
struct walk {
    struct root *root;
    bool make;       /* missing folders are added */
    unsigned links;  /* that were followed */
    const char *why; /* it failed; NULL with a result of NULL: the folder is not there */
};

static struct node *walk(struct walk *way, struct node *at, const char *path);

/* The folder that one component leads to; NULL as walk(). */
static struct node *step(struct walk *way, const struct place *place)
{
    struct node *parent = place->folder;
    struct node *at = find(way->root, parent, place->name, place->length);
    if (!at && way->make)
        at = add_folder(way->root, place, &way->why);
    if (at && at->inode->target) {
        const char *target = at->inode->target;
        if (++way->links > LINKS_MAX) {
            way->why = "its path has too many symbolic links";
            return NULL;
        }
        at = walk(way, *target == '/' ? way->root->top : parent, target);
    }
    if (at && !S_ISDIR(at->inode->stat.st_mode)) {
        way->why = not_folder;
        return NULL;
    }
    return at;
}

/* Follows a path from a folder to a folder. Recursion only by links, of which one path may have LINKS_MAX. */
static struct node *walk(struct walk *way, struct node *at, const char *path)
{
    while (at && *path) {
        const struct place place = {at, path, strcspn(path, "/")};
        if (place.length == 2 && memcmp(path, "..", 2) == 0)
            at = at->parent ? at->parent : at;
        else if (place.length > 0 && !(place.length == 1 && *path == '.'))
            at = step(way, &place);
        path += place.length + (path[place.length] == '/');
    }
    return at;
}

/* Splits a path at its last component, which is returned with its length, and finds the folder of it. */
static const char *last(const char *path, size_t *length, size_t *folder)
{
    size_t end = strlen(path);
    for (const char *at = path; *at; at += strcspn(at, "/"), at += *at == '/')
        if (strncmp(at, "..", 2) == 0 && (at[2] == '/' || at[2] == '\0'))
            return NULL;
    for (;;) {
        while (end > 0 && path[end - 1] == '/')
            end--;
        if (end == 0 || path[end - 1] != '.' || (end > 1 && path[end - 2] != '/'))
            break;
        end--; /* "a/." is "a" */
    }
    size_t start = end;
    while (start > 0 && path[start - 1] != '/')
        start--;
    *length = end - start;
    *folder = start;
    return path + start;
}

/* out->folder is NULL if it is not there, which is no error without `make`. */
static const char *locate(struct root *root, const char *path, bool make, struct place *out)
{
    struct walk way = {.root = root, .make = make};
    size_t length;
    out->name = last(path, &out->length, &length);
    out->folder = NULL;
    if (!out->name)
        return not_inside;
    char *folder = string_format("%.*s", (int)(length > INT_MAX ? INT_MAX : length), path);
    out->folder = walk(&way, root->top, folder);
    free(folder);
    return way.why;
}

struct root *root_new(void)
{
    const struct stat stat = {.st_mode = S_IFDIR | 0755};
    struct root *root = memory(sizeof(*root));
    root->buckets = 1024;
    root->table = memory(root->buckets * sizeof(struct node *));
    root->top = memory(sizeof(struct node) + 1);
    root->top->inode = inode_new(root, &stat);
    root->top->inode->stat.st_nlink = 1;
    return root;
}

void root_free(struct root *root)
{
    clear(root, root->top, UINT_MAX);
    free(root->top->inode);
    free(root->top);
    free(root->table);
    free(root);
}

void root_next_layer(struct root *root)
{
    root->layer++;
}

uint64_t root_room(const struct root *root)
{
    return ROOT_BYTES_MAX - root->bytes;
}

/* A folder that is there gets other attributes. */
static void change(struct node *n, const struct stat *stat, unsigned layer)
{
    struct root_inode *inode = n->inode;
    struct stat old = inode->stat;
    inode->stat = *stat;
    inode->stat.st_dev = 0;
    inode->stat.st_ino = old.st_ino;
    inode->stat.st_nlink = old.st_nlink;
    n->layer = layer;
}

/* Gives the name to the inode, in the place of what has it. */
static const char *replace(struct root *root, const struct place *place, struct root_inode *inode)
{
    const char *why;
    struct node *old = find(root, place->folder, place->name, place->length);
    inode->stat.st_nlink++; /* its only other name may be below the old one */
    if (old) {
        clear(root, old, UINT_MAX);
        unhook(root, old);
    }
    (void)add(root, place, inode, &why);
    inode_put(root, inode);
    return why;
}

const char *root_put(struct root *root, const char *path, const struct stat *stat,
                     const char *target, const char *source)
{
    struct place place;
    const char *why = locate(root, path, true, &place);
    if (why)
        return why;
    if (place.length == 0) {
        if (!S_ISDIR(stat->st_mode))
            return not_inside;
        change(root->top, stat, root->layer);
        return NULL;
    }
    struct node *old = find(root, place.folder, place.name, place.length);
    if (old && S_ISDIR(old->inode->stat.st_mode) && S_ISDIR(stat->st_mode)) {
        change(old, stat, root->layer);
        return NULL;
    }
    if (S_ISREG(stat->st_mode) && (stat->st_size < 0 || (uint64_t)stat->st_size > root_room(root)))
        return "the image's files are larger than 4 GiB";
    struct root_inode *inode = inode_new(root, stat);
    if (S_ISREG(stat->st_mode))
        root->bytes += (uint64_t)stat->st_size;
    inode->target = target ? string_copy(target) : NULL;
    inode->source = source ? string_copy(source) : NULL;
    return replace(root, &place, inode);
}

const char *root_link(struct root *root, const char *path, const char *to)
{
    struct place place, target;
    const char *why = locate(root, to, false, &target);
    if (!why)
        why = locate(root, path, true, &place);
    if (why)
        return why;
    struct node *node = target.folder && target.length > 0
                            ? find(root, target.folder, target.name, target.length)
                            : NULL;
    if (!node)
        return "the file that it is another name of is not there";
    if (S_ISDIR(node->inode->stat.st_mode))
        return "it is another name of a folder";
    if (place.length == 0)
        return not_inside;
    if (find(root, place.folder, place.name, place.length) == node) {
        node->layer = root->layer;
        return NULL;
    }
    return replace(root, &place, node->inode);
}

const char *root_whiteout(struct root *root, const char *path)
{
    struct place place;
    const char *why = locate(root, path, false, &place);
    if (why == not_folder) /* of a file nothing can be removed */
        return NULL;
    if (why)
        return why;
    if (place.length == 0)
        return not_inside;
    struct node *n = place.folder ? find(root, place.folder, place.name, place.length) : NULL;
    if (!n)
        return NULL;
    clear(root, n, root->layer);
    if (!n->child && n->layer < root->layer)
        unhook(root, n);
    return NULL;
}

const char *root_opaque(struct root *root, const char *path)
{
    struct walk way = {.root = root, .make = true};
    size_t length, folder;
    if (!last(path, &length, &folder))
        return not_inside;
    struct node *n = walk(&way, root->top, path);
    if (n)
        clear(root, n, root->layer);
    return way.why;
}

void root_each(const struct root *root,
               void (*visit)(void *context, const char *path, const struct root_inode *inode),
               void *context)
{
    char path[CPIO_NAME_MAX + 2] = "";
    visit(context, path, root->top->inode);
    struct node *n = root->top->child;
    while (n) {
        /* `path` holds the parent's path, which has no slash in front. */
        size_t at = n->parent->length;
        if (at > 0)
            path[at - 1] = '/';
        strcpy(path + at, n->name);
        visit(context, path, n->inode);
        if (n->child) {
            n = n->child;
            continue;
        }
        while (n != root->top && !n->next)
            n = n->parent;
        n = n == root->top ? NULL : n->next;
    }
}
