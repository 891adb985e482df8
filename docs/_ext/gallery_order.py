"""The order of the gallery, which is that of the user guide."""

ORDER = (
    "plot_folder_of_photos.py",
    "plot_nearest_neighbors.py",
    "plot_knn_decision_regions.py",
    "plot_linear_templates.py",
    "plot_random_search.py",
    "plot_hog.py",
    "plot_color_histogram.py",
    "plot_visual_words.py",
    "plot_backprop.py",
    "plot_mlp_training.py",
    "plot_arcface_circle.py",
    "plot_face_verification.py",
    "plot_explanations.py",
)


def place(filename):
    """Return what examples are sorted by; scripts that are not listed come last."""
    name = str(filename)
    return ORDER.index(name) if name in ORDER else len(ORDER), name
