"""A one-stage detector's outputs for images with objects: the anchors' objects, the loss with its gradient, and the objects
that are told, by torchvision's own parts.

Matches and offsets are those of torchvision's Matcher and BoxCoder, the loss is its sigmoid_focal_loss and PyTorch's
smooth_l1_loss, and repeats are left out by its batched_nms, or where that was built for CUDA by onnxruntime's
NonMaxSuppression."""

import sys

import numpy as np
import torch

from golden import Random, options, save

try:
    import torchvision
    BUILT = True
except RuntimeError:
    for name in [name for name in sys.modules if name.startswith("torchvision")]:
        del sys.modules[name]
    for name in ("nms", "qnms"):
        torch.library.define(f"torchvision::{name}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import torchvision
    BUILT = False

from torchvision.models.detection._utils import BoxCoder, Matcher  # noqa: E402
from torchvision.ops import batched_nms, box_iou, clip_boxes_to_image, sigmoid_focal_loss  # noqa: E402

ROWS, HEIGHT, WIDTH, CLASSES = 3, 24, 32, 3
MAP, SIZES, RATIOS = (3, 4), [7.0, 11.0], [1.0, 2.0]
THRESHOLD, OVERLAP, MOST = 0.3, 0.4, 20


def suppressed(boxes, scores, labels):
    """The places of those that stay, the surest first."""
    if BUILT:
        return batched_nms(boxes, scores, labels, OVERLAP)
    import onnx
    import onnxruntime
    node = onnx.helper.make_node("NonMaxSuppression", ["boxes", "scores", "most", "overlap"], ["kept"])
    graph = onnx.helper.make_graph(
        [node], "nms",
        [onnx.helper.make_tensor_value_info("boxes", 1, [1, None, 4]),
         onnx.helper.make_tensor_value_info("scores", 1, [1, None, None])],
        [onnx.helper.make_tensor_value_info("kept", 7, [None, 3])],
        [onnx.numpy_helper.from_array(np.array([1000], np.int64), "most"),
         onnx.numpy_helper.from_array(np.array([OVERLAP], np.float32), "overlap")])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    kept = []
    for label in labels.unique():
        members = (labels == label).nonzero()[:, 0]
        found = session.run(None, {
            "boxes": boxes[members][None, :, [1, 0, 3, 2]].numpy().astype(np.float32),
            "scores": scores[members][None, None].numpy().astype(np.float32)})[0]
        kept.append(members[torch.from_numpy(found[:, 2])])
    kept = torch.cat(kept)
    return kept[scores[kept].argsort(descending=True, stable=True)]


def anchors():
    boxes = []
    for row in range(MAP[0]):
        for column in range(MAP[1]):
            x, y = (column + 0.5) * WIDTH / MAP[1], (row + 0.5) * HEIGHT / MAP[0]
            for ratio in RATIOS:
                for size in SIZES:
                    h, w = size * ratio ** 0.5, size / ratio ** 0.5
                    boxes.append([x - w / 2, y - h / 2, x + w / 2, y + h / 2])
    return torch.tensor(boxes, dtype=torch.float64)


def main():
    random = Random("detection")
    each = len(SIZES) * len(RATIOS)
    outputs = random.normal(ROWS, *MAP, each * (CLASSES + 4), scale=0.8)
    objects = np.full((ROWS, 3, 5), 0, np.float32)
    objects[:, :, 0] = -1
    for row, count in enumerate([3, 1, 0]):
        for slot in range(count):
            size = random.uniform(2, low=5, high=14)
            corner = random.uniform(2) * (np.array([WIDTH, HEIGHT]) - size)
            objects[row, slot] = [random.integers(1, below=CLASSES)[0], *corner, *(corner + size)]
    # The same object twice, of which an anchor takes the first.
    objects[0, 2] = objects[0, 1]

    x = torch.from_numpy(outputs).double().requires_grad_()
    scores = x[..., :each * CLASSES].reshape(ROWS, -1, CLASSES)
    moves = x[..., each * CLASSES:].reshape(ROWS, -1, 4)
    grid, coder = anchors(), BoxCoder((1.0, 1.0, 1.0, 1.0))
    matcher = Matcher(0.5, 0.4, allow_low_quality_matches=True)
    loss, positives, matches, found = 0, 0, [], []
    for row in range(ROWS):
        wanted = torch.from_numpy(objects[row]).double()
        wanted = wanted[wanted[:, 0] >= 0]
        if len(wanted):
            match = matcher(box_iou(wanted[:, 1:], grid))
        else:
            match = torch.full((len(grid),), Matcher.BELOW_LOW_THRESHOLD)
        matches.append(match.numpy().astype(np.int32))
        targets = torch.zeros(len(grid), CLASSES, dtype=torch.float64)
        chosen = match >= 0
        targets[chosen, wanted[match[chosen], 0].long()] = 1
        counted = match != Matcher.BETWEEN_THRESHOLDS
        loss = loss + sigmoid_focal_loss(scores[row][counted], targets[counted], 0.25, 2, "sum")
        if chosen.any():
            right = coder.encode_single(wanted[match[chosen], 1:], grid[chosen])
            loss = loss + torch.nn.functional.smooth_l1_loss(moves[row][chosen], right, beta=1 / 9, reduction="sum")
        positives += int(chosen.sum())
        with torch.no_grad():
            probabilities = scores[row].sigmoid().flatten()
            kept = (probabilities > THRESHOLD).nonzero()[:, 0]
            labels = kept % CLASSES
            boxes = coder.decode_single(moves[row][kept // CLASSES], grid[kept // CLASSES])
            boxes = clip_boxes_to_image(boxes, (HEIGHT, WIDTH))
            stay = suppressed(boxes, probabilities[kept], labels)[:MOST]
            assert len(stay) < len(kept)
            found.append(torch.cat([
                torch.full((len(stay), 1), row, dtype=torch.float64), labels[stay][:, None].double(),
                probabilities[kept][stay][:, None], boxes[stay]], 1).numpy())
    assert all((np.stack(matches) == code).any() for code in (-2, -1, 0, 1)), "a kind of match is missing"
    loss.backward()
    save("detection.safetensors", {
        "outputs": outputs, "objects": objects, "anchors": grid.numpy(), "matches": np.stack(matches),
        "f64/loss": loss.detach().numpy(), "f64/positives": np.float64(positives), "f64/gradient": x.grad.numpy(),
        "f64/found": np.concatenate(found),
    }, {"head": options(
        classes=CLASSES, sizes=SIZES, ratios=RATIOS, score_threshold=THRESHOLD, nms_threshold=OVERLAP, detections=MOST)})


if __name__ == "__main__":
    main()
