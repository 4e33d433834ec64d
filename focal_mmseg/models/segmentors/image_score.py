"""The score of a picture as a whole, which no classifier gives."""

from collections.abc import Sequence

from mmseg.utils import SampleList

from focal_mmseg.clustering import Localisation


def give_image_scores(samples: SampleList, localisations: Sequence[Localisation]) -> SampleList:
    """Set ``image_score``, in [0, 1], of each image: the gate's, or without a gate the heterogeneity of its embeddings.

    Args:
        samples (list[SegDataSample]): The pictures of a batch.
        localisations (Sequence[Localisation]): One a picture, or, where several members were clustered, those of all
            pictures for each member in turn, of which a picture gets the mean.

    Returns:
        list[SegDataSample]: The same.
    """
    for number, sample in enumerate(samples):
        own = [found.image_score for found in localisations[number :: len(samples)]]
        sample.set_field(sum(own) / len(own), 'image_score')
    return samples
