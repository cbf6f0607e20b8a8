"""Write ms-marco-MiniLM-L-12-v2 as a sentence-transformers folder, from the bundled int8 ONNX file.

    python -m benchmarks.torch_reranker OUT_DIR

Torch backends can then be compared with ONNX on the same model without a model hub. Weights are dequantised: logits
differ from the published model's by up to about .25. Needs the packages onnx, torch and transformers.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from llama_index_prod_rag.models.weights import find_weights

if TYPE_CHECKING:
    import torch

_SHAPE: dict[str, Any] = {
    "vocab_size": 30522,
    "hidden_size": 384,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 1536,
    "num_labels": 1,
}
_QUANTIZED = "_quantized"
_PARTS = (_QUANTIZED, "_scale", "_zero_point")


def write_torch_folder(folder: Path) -> Path:
    """Write the folder, unless it is already there, and return it.

    Raises:
        ModelError: the offline weights are missing or corrupt.
        RuntimeError: the ONNX file's weights do not fill the torch model.
    """
    if (folder / "model.safetensors").is_file():
        return folder
    import onnx
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    source = Path(find_weights("offline", "cross-encoder").source)
    model = BertForSequenceClassification(BertConfig(**_SHAPE))
    result = model.load_state_dict(_state_dict(onnx.load(str(source / "model.onnx")).graph), strict=False)
    if result.missing_keys or result.unexpected_keys:
        raise RuntimeError(f"the bundled model is not the one expected: {result}")
    AutoTokenizer.from_pretrained(source).save_pretrained(folder)
    model.save_pretrained(folder)
    return folder


def _state_dict(graph: Any) -> dict[str, torch.Tensor]:  # noqa: ANN401 - onnx's protobuf classes are untyped
    """Dequantised weights under their transformers names."""
    import torch
    from onnx import numpy_helper

    arrays = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    state = {
        name: value
        for name, value in arrays.items()
        if name.startswith(("bert.", "classifier.")) and not name.endswith(_PARTS)
    }
    for node in graph.node:  # the layers' matrices have anonymous names: take them from the graph's nodes
        if node.op_type == "MatMulInteger" and node.input[1].startswith("onnx::MatMul"):
            module = node.name.split("/MatMul")[0].strip("/").replace("/", ".")
            state[f"{module}.weight"] = _dequantize(arrays, node.input[1].removesuffix(_QUANTIZED)).T
    for name in (name.removesuffix(_QUANTIZED) for name in arrays if name.endswith(_QUANTIZED)):
        if not name.startswith("onnx::"):
            value = _dequantize(arrays, name)
            turned = name == "bert.pooler.dense.weight" or (name.startswith("classifier") and value.shape[0] != 1)
            state[name] = value.T if turned else value
    return {name: torch.tensor(np.ascontiguousarray(value)) for name, value in state.items()}


def _dequantize(arrays: dict[str, NDArray[Any]], name: str) -> NDArray[np.float32]:
    quantized: NDArray[np.float32] = arrays[name + _QUANTIZED].astype(np.float32)
    zero: NDArray[np.float32] = arrays[f"{name}_zero_point"].astype(np.float32)
    scale: NDArray[np.float32] = arrays[f"{name}_scale"]
    return (quantized - zero) * scale


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write the bundled cross-encoder as a torch folder.")
    parser.add_argument("folder", type=Path, metavar="OUT_DIR")
    print(write_torch_folder(parser.parse_args().folder))
