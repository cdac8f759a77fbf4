/*
 * quadtree.h - points of a plane in nested quarters, by which far ones act as one.
 */
#ifndef XL_METRICS_QUADTREE_H
#define XL_METRICS_QUADTREE_H

#include <stdint.h>

struct xl_quadnode {
	double at[2]; /* mean of its points */
	double middle[2], half[2];
	int64_t n;     /* points in it */
	int32_t child; /* the first of four, one after the other; 0: a leaf */
};

struct xl_quadtree {
	struct xl_quadnode *nodes; /* the first is the root */
	int32_t n_nodes, cap;
	int32_t *leaf; /* (n) where each point is */
	int64_t n;
};

/*
 * xl_quadtree_build - the tree of n points; memory of a tree built before is used again
 *
 * A leaf holds one point, or points that coincide.
 * Shapes   y: (n,2), finite
 * Owns     t is zeroed before the first call; the caller ends with xl_quadtree_done
 * Errors   0, or -1 with xl_err set
 */
int xl_quadtree_build(struct xl_quadtree *t, const double *y, int64_t n);
void xl_quadtree_done(struct xl_quadtree *t);

/*
 * xl_quadtree_repulsion - what pushes point i away from all others
 *
 *   sum += w,  force += w^2 (y_i - y_j),  w = 1 / (1 + |y_i - y_j|^2)
 *
 * All points of a node count as one at their mean where half its width, by the larger
 * side, is less than theta times the distance; theta 0: none do.
 * Source   van der Maaten 2014
 */
void xl_quadtree_repulsion(const struct xl_quadtree *t, const double *y, int64_t i, double theta,
			   double *sum, double force[2]);

#endif
